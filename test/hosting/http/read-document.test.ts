import { describe, expect, test } from "vitest";
import { OpenApiDocument } from "../../../src/hosting/http/openapi-document.js";
import { MAX_DOCUMENT_BYTES, readDocument } from "../../../src/hosting/http/read-document.js";
import { readDocumentApart } from "../../../src/hosting/http/read-document-apart.js";
import type { Json } from "../../../src/json/json.js";
import { expectNoLeaks } from "../../support/leaks.js";

const read = (text: string, name = "api.yaml"): Promise<Json> => readDocument(Buffer.from(text), name);

expectNoLeaks();

describe("a long document", () => {
  const filler = Array.from({ length: 3_000 }, (_, index) => `  k${index}: [1, two, {three: 3}]`).join("\n");

  test("is read beside what runs, and is the same", async () => {
    const text = `openapi: 3.1.0\nmore:\n${filler}\n`;
    // The event loop turns while it is read, which it does a few times at most where it is read at once.
    let turns = 0;
    const turning = setInterval(() => (turns += 1), 1);
    const value = await readDocumentApart(Buffer.from(text), "api.yaml");
    clearInterval(turning);
    expect(value).toEqual(await read(text));
    expect(turns).toBeGreaterThan(5);
  });

  test("is refused in the same words", async () => {
    const text = `a:\n${filler}\na: 2\n`;
    const refusal = (reading: Promise<Json>): Promise<unknown> => reading.catch((error: unknown) => error);
    const [apart, here] = [await refusal(readDocumentApart(Buffer.from(text), "api.yaml")), await refusal(read(text))];
    expect(apart).toMatchObject({ reason: "INVALID_CONFIG", message: (here as Error).message });
    expect((here as Error).message).toContain("line 3002, column 1");
  });
});

describe("a document", () => {
  test("is JSON or YAML, by how it begins; a mark of its encoding does not matter", async () => {
    const value = { openapi: "3.1.0", paths: {} };
    expect(await read(JSON.stringify(value), "api")).toEqual(value);
    expect(await read(`\uFEFF ${JSON.stringify(value)}`, "api.json")).toEqual(value);
    expect(await read("openapi: 3.1.0\npaths: {}\n")).toEqual(value);
    expect(await read("{openapi: 3.1.0, paths: {}}")).toEqual(value);
  });

  test("in YAML is of version 1.2, with merge keys: 'no' is a word, and 200 a key", async () => {
    const text = "base: &base {a: no, b: 010}\nresponses:\n  200: {<<: *base, c: 2020-01-01}\n";
    expect(await read(text)).toEqual({
      base: { a: "no", b: 10 },
      responses: { 200: { a: "no", b: 10, c: "2020-01-01" } },
    });
  });

  const bomb = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"];
  for (let level = 1; level <= 9; level += 1) {
    bomb.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(",")}]`);
  }
  const flat = `a: &a [${Array.from({ length: 20_000 }, () => "x").join(",")}]\nb: [${Array.from({ length: 9_000 }, () => "*a").join(",")}]`;
  const long = `a: &a ${"x".repeat(1_000_000)}\nb: [${Array.from({ length: 9_000 }, () => "*a").join(",")}]`;
  test.each<[string, string, string, RegExp]>([
    ["with an alias bomb", bomb.join("\n"), "api.yaml", /repeats an anchor too often/],
    ["whose aliases repeat much", flat, "api.yaml", /more than 1000000 values/],
    ["whose aliases repeat a long text", long, "api.yaml", /20000000 characters/],
    ["that is within itself", "a: &a {b: *a}", "api.yaml", /nests more than 256 levels/],
    ["that nests without end, in YAML", "[".repeat(100_000), "api.yaml", /nests more than 256 levels|is not YAML/],
    ["that nests without end, in JSON", `{"a":${"[".repeat(5_000)}`, "api.json", /must nest at most 256 levels/],
    ["with a key twice, in YAML", "a: 1\na: 2", "api.yaml", /line 2, column 1: .*unique/],
    ["with a key twice, in JSON", '{"a":1,"a":2}', "api.json", /repeats a key/],
    ["that is half of one, in JSON", '{"a":', "api.json", /is not JSON as it must be/],
    ["that is half of one, in YAML", 'a: "b', "api.yaml", /line 1, column 6: Missing closing/],
    ["of several documents", "a: 1\n---\nb: 2\n", "api.yaml", /multiple documents/],
    ["with a number that is none", "a: .nan", "api.yaml", /a number that is none of JSON/],
    ["with a key that names a prototype", "a: {__proto__: {b: 1}}", "api.yaml", /__proto__/],
    ["with an alias to nothing", "a: *b", "api.yaml", /Unresolved alias|anchor/],
    ["that is too long", `a: ${"x".repeat(MAX_DOCUMENT_BYTES)}`, "api.yaml", /longer than 5242880 bytes/],
  ])("%s is refused", async (_name, text, name, message) => {
    await expect(read(text, name)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });

  test("that is not UTF-8 is refused", async () => {
    await expect(readDocument(Buffer.from([0x61, 0x3a, 0x20, 0xff]), "api.yaml")).rejects.toThrow(/not UTF-8/);
  });

  test.each<[string, Json, RegExp]>([
    ["is no object", [], /it is not an object/],
    ["says no version", {}, /must say 3\.0\.x or 3\.1\.x/],
    ["is of another version", { openapi: "3.2.0" }, /must say 3\.0\.x or 3\.1\.x/],
    ["is of the former format", { swagger: "2.0" }, /Swagger 2\.0; convert it/],
    [
      "names another dialect",
      { openapi: "3.1.0", jsonSchemaDialect: "https://json-schema.org/draft-07/schema" },
      /jsonSchemaDialect/,
    ],
  ])("that %s is refused", (_name, document, message) => {
    expect(() => new OpenApiDocument(document, "api.yaml")).toThrow(message);
  });
});
