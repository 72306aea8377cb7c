import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { admittedShare, checkFolder } from "../../../tools/schemas/admitted.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

test("schemas of a folder are checked as a registration judges them; those that refer to other documents stand apart", () => {
  const folder = mkdtempSync(join(tmpdir(), "toolgate-schemas-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const files = {
    "a-good.json": { $schema: DRAFT_07, type: "object" },
    "b-faulty.json": { $schema: DRAFT_07, type: "nothing" },
    "c-external.json": { $schema: DRAFT_07, $ref: "https://example.com/other.json" },
    "d-large.json": { $schema: DRAFT_07, description: "x".repeat(300_000) },
    "no-schema.json": { name: "a package" },
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  writeFileSync(join(folder, "no-json.json"), "{");
  const checked = checkFolder(folder);
  expect(checked.map(({ file, external, reason }) => [file, external, reason !== undefined])).toEqual([
    ["a-good.json", false, false],
    ["b-faulty.json", false, true],
    ["c-external.json", true, true],
    ["d-large.json", false, true],
  ]);
  expect(checked.every(({ draft }) => draft === "draft-07")).toBe(true);
  expect(admittedShare(checked)).toBeCloseTo(1 / 3);
});
