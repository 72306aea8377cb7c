import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema, metaFaults } from "../../src/schemas/compiler.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function compile(schema: JsonSchema, assertFormats = false): CompiledSchema {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused") throw new Error(JSON.stringify(policy.faults));
  return new CompiledSchema(policy, { assertFormats, exactNumbers: false });
}

function accepts(schema: JsonSchema, value: Json, assertFormats = false): boolean {
  return compile(schema, assertFormats).check(value, 0).kind === "valid";
}

function violations(schema: JsonSchema, value: Json, cost = 0) {
  const validation = compile(schema).check(value, cost);
  return validation.kind === "invalid" ? validation.violations : [];
}

const json = (text: string): Json => JSON.parse(text);

describe("drafts", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    ["prefixItems counts in 2020-12", { prefixItems: [{ type: "string" }] }, [1], false],
    ["prefixItems is unknown in draft-07", { $schema: DRAFT_07, prefixItems: [{ type: "string" }] }, [1], true],
    [
      "items after prefixItems judges the rest",
      { prefixItems: [{ type: "string" }], items: { type: "number" } },
      ["a", "b"],
      false,
    ],
    [
      "a list of items counts in draft-07",
      { $schema: DRAFT_07, items: [{ type: "string" }], additionalItems: false },
      ["a", 1],
      false,
    ],
    ["additionalItems is unknown in 2020-12", { items: { type: "string" }, additionalItems: false }, ["a", "b"], true],
    ["$defs is followed in 2020-12", { $defs: { a: { type: "string" } }, $ref: "#/$defs/a" }, 1, false],
    [
      "definitions is followed in 2020-12",
      { definitions: { a: { type: "string" } }, $ref: "#/definitions/a" },
      1,
      false,
    ],
    [
      "$defs is followed in draft-07",
      { $schema: DRAFT_07, $defs: { a: { type: "string" } }, $ref: "#/$defs/a" },
      1,
      false,
    ],
    ["keywords beside $ref count in 2020-12", { $defs: { a: {} }, $ref: "#/$defs/a", type: "string" }, 1, false],
    [
      "keywords beside $ref are ignored in draft-07",
      { $schema: DRAFT_07, definitions: { a: {} }, $ref: "#/definitions/a", type: "string" },
      1,
      true,
    ],
    ["dependentRequired counts in 2020-12", { dependentRequired: { a: ["b"] } }, { a: 1 }, false],
    [
      "dependentRequired is unknown in draft-07",
      { $schema: DRAFT_07, dependentRequired: { a: ["b"] } },
      { a: 1 },
      true,
    ],
    ["dependencies counts in draft-07", { $schema: DRAFT_07, dependencies: { a: ["b"] } }, { a: 1 }, false],
    ["dependencies still counts in 2020-12", { dependencies: { a: ["b"] } }, { a: 1 }, false],
    [
      "unevaluatedProperties counts in 2020-12",
      { properties: { a: true }, unevaluatedProperties: false },
      { b: 1 },
      false,
    ],
    [
      "unevaluatedProperties is unknown in draft-07",
      { $schema: DRAFT_07, unevaluatedProperties: false },
      { b: 1 },
      true,
    ],
    [
      "contains counts after fewer items",
      { prefixItems: [{ minimum: 1 }, { minimum: 1 }], contains: { const: 2 } },
      [1],
      false,
    ],
    [
      "uniqueItems counts after fewer items",
      { prefixItems: [true, true, { minimum: 1 }], uniqueItems: true },
      [1, 1],
      false,
    ],
    [
      "contains counts after fewer items in draft-07",
      { $schema: DRAFT_07, items: [{ minimum: 1 }, { minimum: 1 }], contains: { const: 2 } },
      [],
      false,
    ],
    ["members named as methods are members: const", { const: { a: 1 } }, { toString: 1 }, false],
    ["members named as methods are members: enum", { enum: [{ valueOf: 1 }, [1]] }, { valueOf: 1 }, true],
    ["members named as methods are members: constructor", { not: { const: {} } }, { constructor: null }, true],
    ["minContains counts in 2020-12", { contains: { const: 1 }, minContains: 2 }, [1, 2], false],
    ["minContains is unknown in draft-07", { $schema: DRAFT_07, contains: { const: 1 }, minContains: 2 }, [1, 2], true],
    ["$anchor names a place", { $defs: { a: { $anchor: "x", type: "string" } }, $ref: "#x" }, 1, false],
    [
      "$id names a place in draft-07",
      { $schema: DRAFT_07, definitions: { a: { $id: "#x", type: "string" } }, $ref: "#x" },
      1,
      false,
    ],
    [
      "$recursiveRef is unknown in 2020-12",
      { $recursiveAnchor: true, properties: { a: { $recursiveRef: "#" } }, type: "object" },
      { a: 1 },
      true,
    ],
    [
      "$dynamicRef is followed in 2020-12",
      { $dynamicAnchor: "n", type: "object", properties: { a: { $dynamicRef: "#n" } } },
      { a: { a: 1 } },
      false,
    ],
    [
      "$dynamicRef is unknown in draft-07",
      { $schema: DRAFT_07, $dynamicAnchor: "n", type: "object", properties: { a: { $dynamicRef: "#n" } } },
      { a: 1 },
      true,
    ],
    ["if without then asserts nothing", { if: { type: "string" } }, 1, true],
    ["a prototype key is a key", { required: ["a"] }, json('{"__proto__":{"a":1}}'), false],
    ["false refuses everything", false, {}, false],
    ["true accepts everything", true, null, true],
    ["integers may be written with a point", { type: "integer" }, json("1.0"), true],
  ])("%s", (_what, schema, value, expected) => {
    expect(accepts(schema, value)).toBe(expected);
  });
});

describe("unknown words", () => {
  test("are annotations", () => {
    expect(
      accepts(
        { type: ["string", "number"], format: "json", "x-order": 1, example: 2, minimun: 3, "odd name": {} },
        "a",
      ),
    ).toBe(true);
  });

  test("of older drafts and of OpenAPI do not stop a schema from compiling", () => {
    expect(accepts({ id: "urn:old", nullable: true, anyOf: [{ type: "string", nullable: true }] }, "a")).toBe(true);
    expect(accepts({ nullable: "yes", properties: { nullable: { type: "string" } } }, { nullable: "a" })).toBe(true);
  });

  test("mean nothing: OpenAPI's nullable does not let null in", () => {
    expect(accepts({ properties: { a: { type: "string", nullable: true } } }, { a: null })).toBe(false);
    expect(accepts({ type: ["string", "null"], nullable: false }, null)).toBe(true);
  });
});

describe("multipleOf", () => {
  test.each([
    [0.01, 0.07, true],
    [0.01, 19.99, true],
    [0.01, 1e-3, false],
    [0.01, 0.075, false],
    [0.1, 0.3, true],
    [0.1, -4.35, false],
    [0.05, -4.35, true],
    [1e-7, 3.0000002, true],
    [0.3, 1e300, false],
    [0.5, 1e300, true],
    [3, 9007199254740991, false],
    [2, 1e22, true],
    [1e300, 5e-324, false],
    [5e-324, 1.7976931348623157e308, true],
  ])("takes decimals for decimals: of %s, %s is one: %s", (multipleOf, value, expected) => {
    expect(accepts({ multipleOf }, value)).toBe(expected);
    expect(accepts({ multipleOf }, String(value))).toBe(true);
  });
});

describe("formats", () => {
  test.each([
    ["email", "a@example.com", "a@"],
    ["date-time", "2026-01-31T10:00:00Z", "2026-02-31T10:00:00Z"],
    ["uri", "https://example.com/a?b#c", "not a uri"],
    ["uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"],
    ["ipv4", "127.0.0.1", "127.0.0.256"],
    ["regex", "^a+$", "("],
    ["date-time", "2026-01-31T10:00:00+01:00", "2026-01-31T10:00:00"],
    ["time", "10:00:00Z", "10:00:00"],
    ["duration", "P1DT2H", "-P1DT2H"],
  ])("%s is asserted where the contract says so, and else an annotation", (format, good, bad) => {
    const asserted = [good, bad, 7].map((value) => accepts({ format }, value, true));
    expect(asserted).toEqual([true, false, true]);
    expect([good, bad, 7].every((value) => accepts({ format }, value))).toBe(true);
  });
});

describe("patterns", () => {
  test("match what a backtracking engine would choke on", () => {
    const schema = { pattern: "^(a+)+$" };
    expect(accepts(schema, "a".repeat(40))).toBe(true);
    expect(accepts(schema, `${"a".repeat(40)}!`)).toBe(false);
    expect(accepts({ patternProperties: { "^(a|a)*$": { type: "string" } } }, { [`${"a".repeat(40)}!`]: 1 })).toBe(
      true,
    );
  });

  test("are kept apart within a schema", () => {
    const schema = { properties: { a: { pattern: "^a$" }, b: { pattern: "^b$" } } };
    expect(accepts(schema, { a: "a", b: "b" })).toBe(true);
    expect(accepts(schema, { a: "a", b: "a" })).toBe(false);
  });

  test("count characters as people do", () => {
    expect(accepts({ pattern: "^.$", maxLength: 1 }, "😀")).toBe(true);
    expect(accepts({ pattern: "^\\u00e9\\p{L}$" }, "éß")).toBe(true);
  });
});

describe("what a value inherits", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    ["required asks for own properties", { required: ["toString"] }, {}, false],
    ["required finds own properties", { required: ["toString"] }, { toString: 1 }, true],
    [
      "properties do not judge inherited ones",
      { properties: { constructor: { type: "string" }, toString: false } },
      {},
      true,
    ],
    ["properties judge own ones", { properties: { constructor: { type: "string" } } }, { constructor: 1 }, false],
    ["additionalProperties sees own ones", { additionalProperties: false }, { constructor: 1 }, false],
    ["dependentRequired is not set off", { dependentRequired: { valueOf: ["a"] } }, {}, true],
    ["dependencies are not set off", { $schema: DRAFT_07, dependencies: { valueOf: false } }, {}, true],
    ["unevaluatedProperties sees own ones", { unevaluatedProperties: false }, { toString: 1 }, false],
    [
      "unevaluatedProperties sees them behind combinators",
      { anyOf: [{ properties: { a: true } }, true], unevaluatedProperties: false },
      { a: 1, toString: 1 },
      false,
    ],
    [
      "and behind references",
      { $defs: { a: { properties: { a: true } } }, if: { $ref: "#/$defs/a" }, unevaluatedProperties: false },
      { a: 1, constructor: 1 },
      false,
    ],
    [
      "and lets through what was evaluated",
      { anyOf: [{ properties: { a: true } }, { properties: { b: true } }], unevaluatedProperties: false },
      { a: 1, b: 1 },
      true,
    ],
    [
      "a prototype key from elsewhere is a property like any",
      { additionalProperties: false },
      json('{"__proto__":{"a":1}}'),
      false,
    ],
    ["a prototype key grants nothing", { required: ["a"] }, json('{"__proto__":{"a":1}}'), false],
    ["enum survives objects with methods for data", { enum: [{ a: 1 }] }, { valueOf: 1, toString: 2 }, false],
    ["and so do its own", { enum: [{ valueOf: 1, toString: 2 }] }, { valueOf: 1, toString: 2 }, true],
    ["const too", { const: [{ toString: 1 }] }, [{ toString: 2 }], false],
    ["uniqueItems too", { uniqueItems: true }, [{ valueOf: 1 }, { valueOf: 1 }], false],
  ])("%s", (_what, schema, value, expected) => {
    expect(accepts(schema, value)).toBe(expected);
  });
});

describe("isolation", () => {
  test("no schema reaches another one by its $id", () => {
    const owner = compile({ $id: "https://example.com/shared", type: "string" });
    const squatter = compile({ $id: "https://example.com/shared", type: "number" });
    expect([owner.check("a", 0).kind, owner.check(1, 0).kind]).toEqual(["valid", "invalid"]);
    expect([squatter.check("a", 0).kind, squatter.check(1, 0).kind]).toEqual(["invalid", "valid"]);
    expect(() => compile({ $ref: "https://example.com/shared" })).toThrow("leads out");
  });

  test("nor does one take a meta-schema's place", () => {
    expect(accepts({ $id: DRAFT_07, type: "string" }, 1)).toBe(false);
    expect(metaFaults({ $schema: DRAFT_07, type: "nonsense" }, "draft-07")).toHaveLength(1);
  });

  test("values are judged and never changed", () => {
    const value = { a: "1", extra: true };
    const schema = { properties: { a: { type: "number" }, b: { default: 1 } }, additionalProperties: false };
    expect(accepts(schema, value)).toBe(false);
    expect(value).toEqual({ a: "1", extra: true });
  });
});

describe("what cannot be judged", () => {
  test("has no verdict: endless recursion", () => {
    const deep: { a?: unknown } = {};
    let at = deep;
    for (let depth = 0; depth < 200_000; depth++) {
      const next: { a?: unknown } = {};
      at.a = next;
      at = next;
    }
    expect(compile({ properties: { a: { $ref: "#" } } }).check(deep, 0)).toEqual({
      kind: "inconclusive",
      why: "its schema leads round in a circle on this value",
    });
  });
});

describe("violations", () => {
  test("are told together, up to eight, each once", () => {
    const schema = {
      type: "object",
      required: ["a"],
      properties: { list: { items: { type: "string" } }, n: { minimum: 3 } },
    };
    expect(violations(schema, { n: 1, list: [1, "x", 2] })).toEqual([
      { field: "", description: 'must have the property "a"' },
      { field: "/list/0", description: "must be of type string" },
      { field: "/list/2", description: "must be of type string" },
      { field: "/n", description: "must be >= 3" },
    ]);
    expect(
      violations(
        { items: { type: "string" } },
        Array.from({ length: 100 }, () => 1),
      ),
    ).toHaveLength(8);
  });

  test("of a heavy value are told one at a time, so that errors do not pile up", () => {
    const list = Array.from({ length: 100 }, () => 1);
    expect(violations({ items: { type: "string" } }, list, 1_000_000)).toEqual([
      { field: "/0", description: "must be of type string" },
    ]);
  });
});

describe("collecting violations", () => {
  /** A value that counts how often its items or members are looked at. */
  function counting<Value extends object>(value: Value): { value: Value; looks: () => number } {
    let looks = 0;
    const get = (target: Value, key: string | symbol) => {
      looks++;
      return Reflect.get(target, key);
    };
    return { value: new Proxy(value, { get }), looks: () => looks };
  }

  test.each<[JsonSchema, (index: number) => string | undefined]>([
    [{ items: { type: "string" } }, () => undefined],
    [{ prefixItems: [true], items: { type: "string" } }, () => undefined],
    [{ $schema: DRAFT_07, items: [true], additionalItems: { type: "string" } }, () => undefined],
    [{ unevaluatedItems: { type: "string" } }, () => undefined],
    [{ additionalProperties: { type: "string" } }, (index) => `p${index}`],
    [{ patternProperties: { p: { type: "string" } } }, (index) => `p${index}`],
    [{ unevaluatedProperties: { type: "string" } }, (index) => `p${index}`],
    [{ propertyNames: { maxLength: 1 } }, (index) => `p${index}`],
  ])("ends each loop at eight: %j", (schema, nameOf) => {
    const plain = Array.from({ length: 10_000 }, (_, index) => [nameOf(index) ?? index, 1] as const);
    const { value, looks } = counting(
      nameOf(0) === undefined ? plain.map(([, item]) => item) : Object.fromEntries(plain),
    );
    const validation = compile(schema).check(value, 0);
    // Names that only the value has are not told, so that eight of them are the same violation.
    const told = nameOf(0) === undefined ? 8 : 1;
    expect(validation.kind === "invalid" ? validation.violations.length : 0).toBeGreaterThanOrEqual(told);
    expect(looks()).toBeLessThan(200);
  });

  test("tells of branches that failed only where none has fitted", () => {
    const numbers = Array.from({ length: 100 }, () => 1);
    const either = { anyOf: [{ items: { type: "string" } }, { items: { type: "number" } }] };
    expect(violations({ properties: { a: either, b: { type: "string" } } }, { a: numbers, b: 1 })).toEqual([
      { field: "/b", description: "must be of type string" },
    ]);
  });

  test("tells of each name that others ask for, up to eight", () => {
    const names = Array.from({ length: 20 }, (_, index) => `p${index}`);
    expect(violations({ dependentRequired: { a: ["b", "c"], x: ["y"] } }, { a: 1, c: 1, x: 1 })).toEqual([
      { field: "", description: 'must have the property "b" beside "a"' },
      { field: "", description: 'must have the property "y" beside "x"' },
    ]);
    expect(
      violations({ $schema: DRAFT_07, dependencies: { a: names, b: { required: ["c"] } } }, { a: 1 }),
    ).toHaveLength(8);
    expect(accepts({ dependentRequired: { a: [] } }, { a: 1 })).toBe(true);
  });
});

describe("meta-schemas", () => {
  test.each<[JsonSchema, string, string]>([
    [{ type: "strng" }, "/type", "must be one of array, boolean, integer, null, number, object, string"],
    [{ properties: { a: { minimum: "1" } } }, "/properties/a/minimum", "must be of type number"],
    [{ required: "a" }, "/required", "must be of type array"],
    [{ minLength: -1 }, "/minLength", "must be >= 0"],
    [{ properties: { a: 1 } }, "/properties/a", "must be of type object or boolean"],
    [{ $id: "#here" }, "/$id", 'must match the pattern "^[^#]*#?$"'],
  ])("refuse %j", (schema, pointer, reason) => {
    expect(metaFaults(schema, "2020-12")).toEqual([{ pointer, reason }]);
  });

  test("differ by draft", () => {
    expect(metaFaults({ $id: "#here", items: [{}] }, "draft-07")).toEqual([]);
    expect(metaFaults({ items: [{}] }, "2020-12")).toHaveLength(1);
  });
});
