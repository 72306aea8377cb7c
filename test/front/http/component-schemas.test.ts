import { createRequire } from "node:module";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import AjvDraft04 from "ajv-draft-04";
import { describe, expect, test } from "vitest";
import { ComponentSchemas } from "../../../src/front/http/component-schemas.js";
import { RawJson, rawJson, stringifyJson } from "../../../src/json/raw-json.js";
import { DRAFT_FOLDERS, hasSuite, runPart, type SuiteVerdict } from "../../schemas/json-schema-test-suite.js";

const require = createRequire(import.meta.url);
const DRAFT_04 = "http://json-schema.org/draft-04/schema#";
const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function place(schema: unknown, name = "tool", taken: readonly string[] = []) {
  const schemas = new ComponentSchemas(taken);
  const placed = schemas.place(rawJson(JSON.stringify(schema)), name);
  return { placed, components: JSON.parse(stringifyJson(schemas.components) ?? "") as Record<string, unknown> };
}

/** A document that has nothing but a schema, and its components. */
function documentOf(schema: Buffer): Buffer {
  const schemas = new ComponentSchemas([]);
  const placed = schemas.place(new RawJson(schema), "tool");
  const text = stringifyJson({ allOf: [placed], components: { schemas: schemas.components } });
  return Buffer.from(text ?? "");
}

test("a schema that stands for itself stays the bytes that it was", () => {
  const text =
    '{ "$schema": "https://json-schema.org/draft/2020-12/schema", "maximum": 1.50, "items": {"x": 12345678901234567890} }';
  const placed = new ComponentSchemas([]).place(rawJson(text), "tool");
  expect(placed).toBeInstanceOf(RawJson);
  expect(String(placed)).toBe(text);
});

test("what references lead to becomes a component, and long numbers keep their digits", () => {
  const text = '{"$ref": "#/$defs/big", "$defs": {"big": {"title": "Big", "const": 12345678901234567890}}}';
  const schemas = new ComponentSchemas([]);
  expect(stringifyJson(schemas.place(rawJson(text), "tool"))).toBe('{"$ref":"#/components/schemas/tool_big"}');
  expect(stringifyJson(schemas.components)).toBe('{"tool_big":{"description":"Big","const":12345678901234567890}}');
});

test.each([
  ["a pointer", { items: { $ref: "#/$defs/n" }, $defs: { n: { type: "null" } } }, ["tool_n"]],
  ["the root", { properties: { inner: { $ref: "#" } } }, ["tool"]],
  ["a place that is no definition", { properties: { a: {}, b: { $ref: "#/properties/a" } } }, ["tool_a"]],
  ["an anchor", { items: { $ref: "#x" }, $defs: { n: { $anchor: "x", type: "null" } } }, ["tool_n"]],
  ["an $id", { $id: "https://a.example/b", items: { $ref: "b" } }, ["tool"]],
  ["a name with signs", { items: { $ref: "#/$defs/a~1b.c%20d" }, $defs: { "a/b.c d": {} } }, ["tool_a_b_c_d"]],
  ["older definitions", { $schema: DRAFT_07, items: { $ref: "#/definitions/n" }, definitions: { n: {} } }, ["tool_n"]],
  [
    "names of one word",
    { allOf: [{ $ref: "#/$defs/a-b" }, { $ref: "#/$defs/A_B" }], $defs: { "a-b": {}, A_B: {} } },
    ["tool_a_b", "tool_A_B_2"],
  ],
  ["nothing, as there are no references", { $defs: { n: {} } }, []],
])("%s", (_what, schema, names) => {
  const { placed, components } = place(schema);
  expect(Object.keys(components)).toEqual(names);
  expect(JSON.stringify([placed, components])).not.toMatch(/\$(id|defs|anchor|schema)|definitions"/);
});

test("no component has the name of another one", () => {
  const schemas = new ComponentSchemas(["tool_n"]);
  const schema = rawJson('{"items": {"$ref": "#/$defs/n"}, "$defs": {"n": {}}}');
  schemas.place(schema, "tool");
  schemas.place(schema, "tool");
  schemas.place(schema, "Tool");
  expect(Object.keys(schemas.components)).toEqual(["tool_n_2", "tool_n_3", "Tool_n_4"]);
});

test.each([
  [
    { $schema: DRAFT_07, items: [{ type: "string" }], additionalItems: { type: "null" } },
    { prefixItems: [{ type: "string" }], items: { type: "null" } },
  ],
  [{ $schema: DRAFT_07, items: {}, additionalItems: false }, { items: {} }],
  [
    { $schema: DRAFT_04, id: "x", minimum: 1, exclusiveMinimum: true, maximum: 2, exclusiveMaximum: false },
    { exclusiveMinimum: 1, maximum: 2 },
  ],
  [
    { $schema: DRAFT_07, dependencies: { a: ["b"], c: { required: ["d"] } } },
    { dependentRequired: { a: ["b"] }, dependentSchemas: { c: { required: ["d"] } } },
  ],
  [{ $schema: DRAFT_07, $ref: "#/definitions/yes", minimum: 1, definitions: { yes: true } }, {}],
  [
    { items: false, properties: { a: true }, additionalProperties: false },
    { items: { not: {} }, properties: { a: {} }, additionalProperties: false },
  ],
  [
    { enum: [{ $ref: "#/$defs/n" }], const: { $id: "x" } },
    { enum: [{ $ref: "#/$defs/n" }], const: { $id: "x" } },
  ],
  [true, {}],
  [false, { not: {} }],
])("%j is written as %j", (schema, written) => {
  expect(JSON.parse(stringifyJson(place(schema).placed) ?? "")).toEqual(written);
});

test.each([
  [{ $schema: "https://example.com/newer", items: {} }],
  [{ $ref: "https://example.com/elsewhere" }],
  [{ $ref: "#/$defs/none" }],
])("of %j there is nothing but that it is not known", (schema) => {
  expect(place(schema)).toEqual({ placed: { description: expect.stringContaining("does not know") }, components: {} });
});

describe("the drafts' own schemas, which are recursive", () => {
  const values = [
    {},
    { properties: { a: { items: [{ minimum: 1 }] } } },
    { properties: { a: { items: [{ minimum: "1" }] } } },
    { minimum: 1, exclusiveMinimum: true },
    { exclusiveMinimum: 1 },
    { dependencies: { a: ["b"] } },
    { dependencies: { a: [1] } },
    { allOf: [] },
    { not: { not: { type: "nothing" } } },
    { definitions: { a: { $ref: 1 } } },
    true,
    [],
  ];
  test.each([
    [
      "draft-04",
      DRAFT_04,
      "ajv-draft-04/dist/refs/json-schema-draft-04.json",
      () => new AjvDraft04.default({ strict: false }),
    ],
    ["draft-07", DRAFT_07, "ajv/dist/refs/json-schema-draft-07.json", () => new Ajv({ strict: false })],
  ])("%s", (_name, draft, file, ajv) => {
    const meta = require(file) as object;
    const before = ajv().compile({ $ref: draft });
    const document = JSON.parse(documentOf(Buffer.from(JSON.stringify(meta))).toString()) as object;
    const after = new Ajv2020({ strict: false, validateFormats: false }).compile(document);
    const verdicts = values.map((value) => before(value));
    expect(new Set(verdicts)).toEqual(new Set([true, false]));
    expect(values.map((value) => after(value))).toEqual(verdicts);
  });
});

describe.runIf(hasSuite())("the JSON Schema Test Suite", () => {
  test.each(Object.keys(DRAFT_FOLDERS))("%s: a schema in a document judges as it does by itself", (folder) => {
    const wrong = ({ verdict, expected }: SuiteVerdict): boolean => verdict !== "refused" && verdict !== expected;
    const refused = new Set(
      runPart(folder, "mandatory").flatMap(({ verdict, name }) => (verdict === "refused" ? [name] : [])),
    );
    const placed = runPart(folder, "mandatory", documentOf);
    const known = placed.filter(({ name }) => !refused.has(name));
    expect(known.length).toBeGreaterThan(500);
    expect(known.filter(wrong).map(({ name, reason }) => `${name}: ${reason}`)).toEqual([]);
    expect(
      known.filter(({ verdict }) => verdict === "refused").map(({ name, reason }) => `${name}: ${reason}`),
    ).toEqual([]);
  });
});
