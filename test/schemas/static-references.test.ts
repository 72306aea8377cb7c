import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function accepts(schema: JsonSchema, value: Json): boolean {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused") throw new Error(JSON.stringify(policy.faults));
  return new CompiledSchema(policy, { assertFormats: false, exactNumbers: false }).check(value, 0).kind === "valid";
}

function faults(schema: JsonSchema) {
  const policy = checkSchemaPolicy(schema);
  return policy.kind === "refused" ? policy.faults : [];
}

/** A list whose items are what the outermost part says. */
const LIST = {
  $id: "list",
  type: "array",
  items: { $dynamicRef: "#item" },
  $defs: { any: { $dynamicAnchor: "item" } },
} as const;

describe("references", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    [
      "a dynamic reference leads to an anchor beside it",
      { items: { $dynamicRef: "#s" }, $defs: { s: { $dynamicAnchor: "s", type: "string" } } },
      [1],
      false,
    ],
    [
      "a dynamic reference leads to the outermost anchor",
      { $ref: "list", $defs: { list: LIST, s: { $dynamicAnchor: "item", type: "string" } } },
      [1],
      false,
    ],
    [
      "the same part may be entered on two ways",
      {
        properties: { strings: { $ref: "strings" }, numbers: { $ref: "numbers" } },
        $defs: {
          list: LIST,
          strings: { $id: "strings", $ref: "list", $defs: { i: { $dynamicAnchor: "item", type: "string" } } },
          numbers: { $id: "numbers", $ref: "list", $defs: { i: { $dynamicAnchor: "item", type: "number" } } },
        },
      },
      { strings: ["a"], numbers: [1] },
      true,
    ],
    [
      "and is judged by each on its own",
      {
        properties: { strings: { $ref: "strings" }, numbers: { $ref: "numbers" } },
        $defs: {
          list: LIST,
          strings: { $id: "strings", $ref: "list", $defs: { i: { $dynamicAnchor: "item", type: "string" } } },
          numbers: { $id: "numbers", $ref: "list", $defs: { i: { $dynamicAnchor: "item", type: "number" } } },
        },
      },
      { strings: ["a"], numbers: ["a"] },
      false,
    ],
    [
      "a recursive one extends itself",
      {
        $id: "strict",
        $dynamicAnchor: "node",
        $ref: "tree",
        unevaluatedProperties: false,
        $defs: {
          tree: {
            $id: "tree",
            $dynamicAnchor: "node",
            properties: { data: true, children: { items: { $dynamicRef: "#node" } } },
          },
        },
      },
      { children: [{ children: [{ daat: 1 }] }] },
      false,
    ],
    [
      "$ref and $dynamicRef stand beside each other",
      { $ref: "#/$defs/a", $dynamicRef: "#b", $defs: { a: { minimum: 1 }, b: { $dynamicAnchor: "b", maximum: 2 } } },
      3,
      false,
    ],
    [
      "a reference may lead to true or false",
      { properties: { a: { $dynamicRef: "#/$defs/no" } }, $defs: { no: false, id: { $id: "x" } } },
      { a: 1 },
      false,
    ],
    [
      "$id is relative to the one around it",
      {
        $id: "https://example.com/a/root",
        $ref: "/b/inner",
        $defs: { outer: { $id: "../b/", $defs: { inner: { $id: "inner", type: "string" } } } },
      },
      1,
      false,
    ],
    [
      "$id may be a URN",
      { $ref: "urn:example:a#/$defs/b", $defs: { a: { $id: "urn:example:a", $defs: { b: { type: "string" } } } } },
      1,
      false,
    ],
    [
      "a schema may call itself by its whole URI",
      { $id: "https://example.com/node", properties: { n: { $ref: "https://example.com/node" } }, required: ["v"] },
      { v: 1, n: {} },
      false,
    ],
    [
      "in draft-07 an $id beside $ref is none",
      {
        $schema: DRAFT_07,
        $id: "http://example.com/root",
        definitions: { "http://example.com/x": { $id: "x", $ref: "#/definitions/s" }, s: { type: "string" } },
        allOf: [{ $ref: "#/definitions/s" }],
      },
      1,
      false,
    ],
    [
      "in draft-07 an anchor belongs to its part",
      {
        $schema: DRAFT_07,
        $id: "http://example.com/root",
        allOf: [{ $ref: "nested#foo" }],
        definitions: {
          a: { $id: "nested", definitions: { b: { $id: "#foo", type: "string" } } },
          c: { $id: "#foo", type: "number" },
        },
      },
      1,
      false,
    ],
    [
      "the map of properties may be meant as a schema, too",
      { $defs: { x: { $id: "x" } }, properties: { not: { type: "string" }, a: { $ref: "#/properties" } } },
      { a: "x" },
      false,
    ],
  ])("%s", (_what, schema, value, expected) => {
    expect(accepts(schema, value)).toBe(expected);
  });

  test("what is named twice is refused, with its place", () => {
    expect(faults({ $defs: { a: { $id: "x" }, b: { $id: "x" } } })).toMatchObject([{ pointer: "/$defs/b/$id" }]);
    expect(faults({ $defs: { a: { $anchor: "x" }, b: { $anchor: "x" } } })).toMatchObject([
      { pointer: "/$defs/b/$anchor" },
    ]);
    expect(faults({ $ref: "https://example.com/elsewhere" })).toMatchObject([{ pointer: "/$ref" }]);
    expect(faults({ $defs: { a: { $id: "a" } }, $ref: "b" })).toMatchObject([{ pointer: "/$ref" }]);
  });

  test("a circle is told at its place in the author's schema", () => {
    const circle = { $ref: "a", $defs: { a: { $id: "a", allOf: [{ $ref: "a" }] } } };
    expect(faults(circle)).toMatchObject([{ pointer: expect.stringMatching(/^\/\$defs\/a/) }]);
  });

  test("a schema of many parts that extend each other in any order is refused, not written out", () => {
    // Each part may be entered before or after each other: as many ways as there are orders.
    const names = Array.from({ length: 12 }, (_, index) => `p${index}`);
    const parts = names.map((name, index) => ({
      $id: name,
      properties: Object.fromEntries(names.map((other) => [other, { $ref: other }])),
      $defs: Object.fromEntries(names.map((_, other) => [other, { $dynamicAnchor: `a${Math.max(index, other)}` }])),
    }));
    const schema = { $ref: "p0", $defs: Object.fromEntries(parts.map((part) => [part.$id, part])) };
    expect(faults(schema as JsonSchema).length).toBeGreaterThan(0);
  });

  test("a schema without identifiers is judged as it is", () => {
    const schema: JsonSchema = { $id: "https://example.com/a", $ref: "#/$defs/a", $defs: { a: { type: "string" } } };
    const policy = checkSchemaPolicy(schema);
    expect(policy.kind === "passed" && policy.schema).toBe(schema);
  });

  test("a schema with identifiers is as cheap as one without", () => {
    const policy = checkSchemaPolicy({ $ref: "a", $defs: { a: { $id: "a", type: "string" } } });
    expect(policy).toMatchObject({ kind: "passed", cost: { kind: "cheap" } });
  });

  test("no property __proto__ can be asked for, since no value may have one", () => {
    expect(faults({ required: ["a", "__proto__"] })).toMatchObject([{ pointer: "/required/1" }]);
    expect(faults({ dependentRequired: { a: ["__proto__"] } })).toMatchObject([{ pointer: "/dependentRequired/a/0" }]);
  });
});
