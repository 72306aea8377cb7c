import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const buf = join(root, "node_modules", ".bin", "buf");
const against = join(root, ".ci", "contract-baseline.binpb");
let copy = "";

beforeEach(() => {
  copy = mkdtempSync(join(tmpdir(), "toolgate-contract-"));
  for (const one of ["proto", "buf.yaml"]) cpSync(join(root, one), join(copy, one), { recursive: true });
});
afterEach(() => rmSync(copy, { recursive: true }));

/** What the check of the contract finds, once a text of a file was replaced; nothing where it passes. */
function faults(file: string, text: string, other: string): string {
  const path = join(copy, "proto/toolgate/v1", file);
  const before = readFileSync(path, "utf8");
  expect(before).toContain(text);
  writeFileSync(path, before.replace(text, other));
  return spawnSync(buf, ["breaking", "--against", against], { cwd: copy, encoding: "utf8" }).stdout;
}

describe("the contract of the last release", () => {
  test("may be added to", () => {
    expect(faults("registry.proto", "message DrainResponse {}", "message DrainResponse {\n  string more = 1;\n}")).toBe(
      "",
    );
  });

  test.each([
    ["a field's number", "gateway.proto", "string call_id = 1;", "string call_id = 99;"],
    ["a field's type", "registry.proto", "uint32 lease_ms = 5;", "uint64 lease_ms = 5;"],
    ["a field's name", "registry.proto", "uint32 lease_ms = 5;", "uint32 lease_millis = 5;"],
    ["a value of an enum", "gateway.proto", "WAIT_POLICY_WAIT = 2", "WAIT_POLICY_WAIT = 3"],
    ["a method", "catalog.proto", "rpc Watch(", "rpc Follow("],
    ["a language's package", "catalog.proto", '"toolgate/v1;toolgatev1"', '"elsewhere/v1;toolgatev1"'],
  ])("keeps %s", (_what, file, text, other) => {
    expect(faults(file, text, other)).toContain(`proto/toolgate/v1/${file}`);
  });
});
