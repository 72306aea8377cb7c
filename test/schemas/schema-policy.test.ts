import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { checkSchemaPolicy, DEFAULT_SCHEMA_LIMITS, type SchemaLimits } from "../../src/schemas/schema-policy.js";
import { DOUBLES_WITH_DEPTH, doubledReferences, wideSchema } from "./hostile-schemas.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function faults(schema: JsonSchema, limits: Partial<SchemaLimits> = {}) {
  const policy = checkSchemaPolicy(schema, { ...DEFAULT_SCHEMA_LIMITS, ...limits });
  return policy.kind === "refused" ? policy.faults : [];
}

function cost(schema: JsonSchema): string {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused")
    throw new Error(policy.faults.map((fault) => `${fault.pointer} ${fault.reason}`).join());
  return policy.cost.kind;
}

describe("limits", () => {
  test("bytes", () => {
    const schema = { description: "x".repeat(100) };
    expect(faults(schema, { maxBytes: 118 })).toEqual([]);
    expect(faults(schema, { maxBytes: 117 })).toEqual([{ pointer: "", reason: "must be at most 117 bytes long" }]);
    expect(faults({ enum: Array.from({ length: 100_000 }, (_, index) => index) })).toEqual([
      { pointer: "", reason: "must be at most 262144 bytes long" },
    ]);
  });

  test("depth, also of what is data", () => {
    let value: JsonSchema = {};
    for (let depth = 0; depth < 31; depth++) value = { properties: { a: value } };
    expect(faults(value)).toEqual([]);
    let deep: unknown = 1;
    for (let depth = 0; depth < 200; depth++) deep = [deep];
    const found = faults({ default: deep as never });
    expect(found).toMatchObject([{ reason: "must nest at most 64 levels deep" }]);
  });

  test("subschemas", () => {
    expect(faults(wideSchema(1_999))).toEqual([]);
    expect(faults(wideSchema(2_000))).toEqual([{ pointer: "", reason: "must have at most 2000 subschemas" }]);
  });

  test("ways through references that double", () => {
    expect(faults(doubledReferences(8))).toEqual([]);
    expect(faults(doubledReferences(24))).toMatchObject([{ reason: expect.stringContaining("at most 10000 ways") }]);
    // Harmless by number, refused by the limit alone.
    expect(faults(doubledReferences(8), { maxPaths: 100 })).toHaveLength(1);
  });

  test.each(["allOf", "oneOf"])("ways through %s and its kin", (keyword) => {
    const $defs: Record<string, JsonSchema> = { a14: {} };
    for (let level = 0; level < 14; level++) {
      const next = { $ref: `#/$defs/a${level + 1}` };
      $defs[`a${level}`] =
        level % 2 === 0
          ? { [keyword]: [next, next] }
          : { not: next, if: next, else: next, dependentSchemas: { x: next } };
    }
    expect(faults({ $defs, $ref: "#/$defs/a0" })).toHaveLength(1);
  });

  test("code, where each spelling of a reference copies its target", () => {
    const spellings = Array.from({ length: 400 }, (_, index) => {
      const name = [..."target"]
        .map((letter, at) => ((index >> at) & 1 ? `%${letter.charCodeAt(0).toString(16)}` : letter))
        .join("");
      return { $ref: `#/$defs/${name}`, title: String(index) };
    });
    const schema: JsonSchema = { $defs: { target: wideSchema(300) }, anyOf: spellings };
    expect(faults(schema)).toMatchObject([
      { reason: expect.stringContaining("must compile to at most 20000 keywords") },
    ]);
    const once = spellings.map(() => ({ $ref: "#/$defs/target" }));
    expect(faults({ $defs: { target: wideSchema(300) }, anyOf: once })).toEqual([]);
  });

  test("patterns, one by one and together", () => {
    expect(faults({ pattern: "a".repeat(2_048) })).toEqual([]);
    expect(faults({ pattern: "a".repeat(2_049) })).toMatchObject([
      { pointer: "/pattern", reason: expect.stringContaining("2048 characters") },
    ]);
    const properties = Object.fromEntries(
      Array.from({ length: 30 }, (_, index) => [`p${index}`, { pattern: `^x{900}${index}$` }]),
    );
    expect(faults({ properties })).toEqual([
      { pointer: "", reason: "must have fewer or shorter patterns and counted repetitions" },
    ]);
  });
});

describe("drafts", () => {
  test.each([
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2020-12/schema#",
    "http://json-schema.org/draft-07/schema",
    DRAFT_07,
    "https://json-schema.org/draft-07/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-04/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/schema#",
  ])("takes %s", ($schema) => {
    expect(faults({ $schema })).toEqual([]);
  });

  test.each([
    "http://json-schema.org/draft-03/schema#",
    "http://json-schema-org/draft-07/schema",
    "https://example.com/meta",
    "",
    7,
  ])("refuses %j", ($schema) => {
    expect(faults({ $schema })).toMatchObject([{ pointer: "/$schema", reason: expect.stringContaining("2020-12") }]);
  });

  test("refuses a part in another draft, and takes one in the same", () => {
    expect(faults({ properties: { a: { $schema: DRAFT_07 } } })).toMatchObject([{ pointer: "/properties/a/$schema" }]);
    expect(faults({ $schema: DRAFT_07, properties: { a: { $schema: DRAFT_07 } } })).toEqual([]);
  });

  test("tells who writes draft-07's list of items in 2020-12 what to do", () => {
    expect(faults({ items: [{ type: "string" }] })).toMatchObject([
      { pointer: "/items", reason: expect.stringContaining("prefixItems") },
    ]);
    expect(faults({ $schema: DRAFT_07, items: [{ type: "string" }] })).toEqual([]);
  });
});

describe("references", () => {
  test.each([
    [{ $ref: "https://example.com/schema.json" }],
    [{ $ref: "file:///etc/passwd" }],
    [{ $ref: "other.json" }],
    [{ $ref: "//evil" }],
    [{ $ref: DRAFT_07 }],
    [{ $ref: "" }],
    [{ properties: { a: { $ref: "urn:uuid:1" } } }],
  ])("that leave the schema are refused: %j", (schema) => {
    expect(faults(schema)).toMatchObject([{ reason: expect.stringContaining("leads out of its schema") }]);
  });

  test.each([
    "#/$defs/missing",
    "#missing",
    "#/constructor",
    "#/__proto__",
    "#/toString",
    "#/$defs/a/__proto__",
    "#/required",
    "#/required/0",
    "#/",
    "#/%zz",
  ])("%s leads nowhere", ($ref) => {
    expect(faults({ $ref, required: ["a"], $defs: { a: {} } })).toHaveLength(1);
  });

  test.each([
    [{ $ref: "#/$defs/a", $defs: { a: {} } }],
    [{ $ref: "#/definitions/a", definitions: { a: {} } }],
    [{ $ref: "#/$defs/a~1b%20c", $defs: { "a/b c": {} } }],
    [{ $ref: "#named", $defs: { a: { $anchor: "named" } } }],
    [{ $schema: DRAFT_07, $ref: "#named", definitions: { a: { $id: "#named" } } }],
    [
      {
        $id: "https://example.com/me",
        properties: { a: { $ref: "https://example.com/me#/$defs/a" } },
        $defs: { a: {} },
      },
    ],
    [{ properties: { a: { $ref: "inner" } }, $defs: { a: { $id: "inner", type: "string" } } }],
    [{ properties: { a: { $ref: "#/x-shared/a" } }, "x-shared": { a: { type: "string" } } }],
    [{ properties: { child: { $ref: "#" } } }],
  ])("within the schema are followed: %j", (schema) => {
    expect(faults(schema)).toEqual([]);
  });

  test("are followed into places that no keyword leads to, and what is found there is judged too", () => {
    const schema: JsonSchema = {
      $ref: "#/x/y",
      x: { y: { pattern: "(?=a", properties: { z: { $ref: "#/x/w" } } }, w: { $async: true } },
    };
    expect(faults(schema).map((fault) => fault.pointer)).toEqual(["/x/y/pattern", "/x/w/$async"]);
  });

  test.each([
    [{ $ref: "#" }],
    [{ allOf: [{ $ref: "#" }] }],
    [
      {
        $defs: { a: { not: { $ref: "#/$defs/b" } }, b: { if: { $ref: "#/$defs/a" } } },
        properties: { x: { $ref: "#/$defs/a" } },
      },
    ],
    [{ $dynamicAnchor: "me", anyOf: [{ $dynamicRef: "#me" }] }],
    [{ dependentSchemas: { a: { $ref: "#" } } }],
  ])("that never come to an end are refused: %j", (schema) => {
    expect(faults(schema)).toMatchObject([{ reason: expect.stringContaining("without end") }]);
  });

  test("beside which other keywords stand count alone in draft-07, and with them in 2020-12", () => {
    const schema = { $defs: { a: {} }, $ref: "#/$defs/a", allOf: [{ $ref: "#" }] };
    expect(faults({ ...schema, $schema: DRAFT_07 })).toEqual([]);
    expect(faults(schema)).toHaveLength(1);
  });

  test("may be dynamic to any place in the schema", () => {
    expect(faults({ properties: { a: { $dynamicRef: "#n" } }, $defs: { n: { $dynamicAnchor: "n" } } })).toEqual([]);
    expect(faults({ properties: { a: { $dynamicRef: "#/$defs/n" } }, $defs: { n: { $dynamicAnchor: "n" } } })).toEqual(
      [],
    );
    expect(
      faults({ properties: { a: { $dynamicRef: "#other" } }, $defs: { n: { $dynamicAnchor: "n" } } }),
    ).toHaveLength(1);
  });
});

describe("extensions and tricks", () => {
  test.each([
    [{ $async: true }, "/$async"],
    [{ $async: false }, "/$async"],
    [{ properties: { a: { $async: true } } }, "/properties/a/$async"],
    [{ $defs: { a: { $async: true } } }, "/$defs/a/$async"],
    [{ properties: { a: { minimum: { $data: "1/b" } } } }, "/properties/a/minimum"],
    [{ const: { $data: "1/b" } }, "/const"],
    [JSON.parse('{"__proto__":{"type":"string"}}'), "/__proto__"],
    [JSON.parse('{"properties":{"__proto__":{"type":"string"}}}'), "/properties/__proto__"],
  ])("refuses %j", (schema: JsonSchema, pointer) => {
    expect(faults(schema).map((fault) => fault.pointer)).toEqual([pointer]);
  });

  test("takes properties and data that are called like extensions", () => {
    expect(
      faults({ properties: { $data: { type: "string" }, $async: true, constructor: {} }, default: { $data: 1 } }),
    ).toEqual([]);
  });

  test.each(["(", "(?=a", "[b-a]", "a{2,1}"])("refuses the pattern %s", (pattern) => {
    expect(faults({ pattern })).toMatchObject([
      { pointer: "/pattern", reason: "must be a regular expression, as ECMA-262 has them" },
    ]);
    expect(faults({ patternProperties: { [pattern]: {} } })).toHaveLength(1);
  });

  test("collects all faults", () => {
    const schema: JsonSchema = {
      properties: {
        a: { $ref: "http://x" },
        b: { pattern: "(?=a" },
        c: { $async: true },
        d: { allOf: {} },
        e: { not: 1 },
      },
    };
    expect(faults(schema)).toHaveLength(5);
  });

  test("tells no fault with what stands at its place", () => {
    const secret = "correct horse battery staple";
    const found = faults({
      $ref: `http://${secret}`,
      pattern: `(?=${secret}`,
      $schema: "https://json-schema.org/draft/2020-12/schema",
    });
    expect(found).toHaveLength(2);
    expect(JSON.stringify(found)).not.toContain(secret);
  });
});

describe("costs", () => {
  test.each<[string, JsonSchema]>([
    ["true", true],
    ["nothing", {}],
    ["an object", wideSchema(100)],
    ["a list that refers to itself", { properties: { next: { $ref: "#" }, value: { type: "string" } } }],
    ["a tree by two names", { properties: { left: { $ref: "#" }, right: { $ref: "#" } } }],
    [
      "any JSON",
      {
        anyOf: [
          { type: ["string", "number"] },
          { type: "array", items: { $ref: "#" } },
          { type: "object", additionalProperties: { $ref: "#" } },
        ],
      },
    ],
    ["a fiendish pattern, matched in linear time", { type: "string", pattern: "^(a+)+$" }],
    ["references that double a little", doubledReferences(6)],
    ["a long enum", { enum: Array.from({ length: 5_000 }, (_, index) => `value-${index}`) }],
  ])("%s is cheap", (_what, schema) => {
    expect(cost(schema)).toBe("cheap");
  });

  test.each<[string, JsonSchema]>([
    ["more code than compiles in a blink", wideSchema(500)],
    ["doubling with each level of the value", DOUBLES_WITH_DEPTH],
    ["doubling through items", { allOf: [{ items: { $ref: "#" } }, { prefixItems: [{ $ref: "#" }] }] }],
    [
      "doubling through a name and any name",
      { properties: { a: { $ref: "#" } }, patternProperties: { "^a": { $ref: "#" } } },
    ],
    ["large patterns", { allOf: [{ pattern: "^x{999}$" }, { pattern: "^y{999}$" }, { pattern: "^z{999}$" }] }],
    [
      "a long enum at every turn",
      {
        $defs: { long: { enum: Array.from({ length: 2_000 }, (_, i) => i) } },
        anyOf: Array.from({ length: 60 }, () => ({ $ref: "#/$defs/long" })),
      },
    ],
  ])("%s is costly", (_what, schema) => {
    expect(cost(schema)).toBe("costly");
  });

  test("count what one value costs in the worst place", () => {
    const rates = (schema: JsonSchema) => {
      const policy = checkSchemaPolicy(schema);
      return policy.kind === "passed" && policy.cost.kind === "cheap" ? policy.cost.rates : undefined;
    };
    const plain = rates({ items: { type: "string" } })?.perValue ?? 0;
    const crowded = rates({ items: { anyOf: Array.from({ length: 100 }, () => ({ type: "string" })) } })?.perValue ?? 0;
    expect(crowded).toBeGreaterThan(50 * plain);
    expect(rates({ type: "string", pattern: "^[a-z]{100}$" })?.perChar).toBeGreaterThan(100);
  });
});
