import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { expectNoLeaks } from "../support/leaks.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-bundle-"));
  await mkdir(join(folder, "parts"));
  const write = (name: string, schema: unknown) => writeFile(join(folder, name), JSON.stringify(schema));
  await write("order.json", {
    properties: { to: { $ref: "parts/address.json" }, of: { $ref: "https://example.com/c" } },
  });
  await write("parts/address.json", { required: ["street"], properties: { next: { $ref: "#" } } });
  await write("country.json", { enum: ["CH"] });
  await write("rounded.json", { const: 0 });
  await writeFile(join(folder, "rounded.json"), '{"const": 9007199254740993}');
  await writeFile(join(folder, "empty.json"), "");
  await writeFile(join(folder, "cut.json"), '{"const": ');
  await writeFile(join(folder, "twice.json"), '{"properties": {"a": 1, "a": 2}}');
});
afterAll(() => rm(folder, { recursive: true }));

test("a schema is bundled with the documents that are named", async () => {
  const documents = [join(folder, "parts/address.json"), `https://example.com/c=${join(folder, "country.json")}`];
  const { code, stdout, stderr } = await runToolgate([
    "bundle",
    join(folder, "order.json"),
    "--document",
    ...documents,
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(JSON.parse(stdout)).toEqual({
    properties: { to: { $ref: "#/$defs/address" }, of: { $ref: "#/$defs/c" } },
    $defs: {
      address: { required: ["street"], properties: { next: { $ref: "#/$defs/address" } } },
      c: { enum: ["CH"] },
    },
  });
});

test.each<[string, readonly string[], RegExp]>([
  [
    "a document that is not named",
    ["order.json"],
    /No document has the address file:.*parts\/address\.json\..*--document/s,
  ],
  ["a file that is not there", ["none.json"], /The schema .*none\.json cannot be read: .*ENOENT/s],
  ["a number that would be another one", ["rounded.json"], /has, at \/const, a number that a double does not hold/],
  ["an empty file", ["empty.json"], /empty\.json is not JSON: it must be a JSON value; it is empty\./],
  ["a file that is cut", ["cut.json"], /cut\.json is not JSON: it must be one JSON value/],
  ["a key that is there twice", ["twice.json"], /twice\.json is not JSON: \/properties.* repeats a key of its object/],
])("%s is told, with what to do", async (_name, [file = ""], message) => {
  const { code, stdout, stderr } = await runToolgate(["bundle", join(folder, file)]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).not.toMatch(/\S {2,}\S/);
  expect(stderr.replace(/\s+/g, " ")).toMatch(message);
});
