import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { exactNumbers } from "../../src/json/exact-numbers.js";
import type { Json } from "../../src/json/json.js";
import type { CompileOptions } from "../../src/schemas/compiler.js";
import { linkCode } from "../../src/schemas/portable-code.js";
import { prepareSchema } from "../../src/schemas/prepare-schema.js";
import { sampleValue } from "../../src/schemas/sample-values.js";
import { schemaGraph } from "../../src/schemas/schema-graph.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";
import { wideSchema } from "./hostile-schemas.js";
import { textOf } from "./json-text.js";
import { randomSchema, seeded } from "./random-schema.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";

function prepare(schema: JsonSchema, options: Partial<CompileOptions> = {}) {
  const prepared = prepareSchema(schema, DEFAULT_SCHEMA_LIMITS, {
    assertFormats: true,
    exactNumbers: false,
    ...options,
  });
  if (prepared.kind === "refused") throw new Error(JSON.stringify(prepared.faults));
  return prepared;
}

describe("the code of a schema", () => {
  test.each<[JsonSchema, Json, Json]>([
    [true, 1, undefined as never],
    [{ type: ["object", "null"] }, {}, 1],
    [{ required: ["a", "toString"] }, { a: 1, toString: 1 }, { a: 1 }],
    [{ properties: { a: { minLength: 1, maxLength: 2 } } }, { a: "\u{1f600}\u{1f600}" }, { a: "" }],
    [{ patternProperties: { "^a+$": { type: "number" } }, additionalProperties: false }, { aa: 1 }, { b: 1 }],
    [{ propertyNames: { pattern: "^\\p{L}+$" } }, { "\u00e9": 1 }, { 1: 1 }],
    [{ dependentRequired: { a: ["b"] } }, { a: 1, b: 1 }, { a: 1 }],
    [{ dependentSchemas: { a: { required: ["b"] } } }, { a: 1, b: 1 }, { a: 1 }],
    [{ $schema: DRAFT_07, dependencies: { a: ["b"], c: { minProperties: 2 } } }, { c: 1, d: 1 }, { c: 1 }],
    [{ $schema: DRAFT_07, items: [{ type: "string" }], additionalItems: false }, ["a"], ["a", 1]],
    [{ unevaluatedProperties: false, anyOf: [{ properties: { a: true } }, true] }, { a: 1 }, { toString: 1 }],
    [{ unevaluatedItems: false, prefixItems: [true] }, [1], [1, 2]],
    [{ items: { type: "integer" }, uniqueItems: true }, [1, 2], [1, 1]],
    [{ contains: { const: 1 }, minContains: 2 }, [1, 1], [1, 2]],
    [{ enum: [1, { a: [1] }, "x"] }, { a: [1] }, { a: [2] }],
    [{ enum: Array.from({ length: 100 }, (_, index) => index) }, 99, 100],
    [{ multipleOf: 0.01, exclusiveMaximum: 20 }, 19.99, 0.075],
    [{ oneOf: [{ minimum: 3 }, { maximum: 1 }], not: { const: 5 } }, 4, 5],
    // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name
    [{ if: { type: "number" }, then: { minimum: 1 }, else: { type: "string" } }, "a", 0],
    [
      { $defs: { n: { properties: { next: { $ref: "#/$defs/n" } }, additionalProperties: false } }, $ref: "#/$defs/n" },
      { next: {} },
      { next: { a: 1 } },
    ],
    [{ format: "date-time" }, "2026-01-31T10:00:00Z", "2026-02-31T10:00:00Z"],
    [{ format: "ipv4" }, "127.0.0.1", "127.0.0.256"],
    [{ format: "int32" }, 1, 2 ** 40],
  ])("runs where it was not generated: %j", (schema, good, bad) => {
    const { inline } = prepare(schema);
    if (inline === undefined) throw new Error("It is cheap.");
    const here = linkCode(structuredClone(inline.code));
    expect(here.check(good, 0)).toEqual({ kind: "valid" });
    if (bad !== undefined) expect(here.check(bad, 0).kind).toBe("invalid");
  });

  test("comes to the same verdicts, with the same violations, whatever the schema", () => {
    let compared = 0;
    for (let seed = 0; seed < 40; seed++) {
      const random = seeded(seed);
      const schema = randomSchema(random);
      const prepared = prepareSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats: true, exactNumbers: false });
      if (prepared.kind === "refused" || prepared.inline === undefined) continue;
      const here = linkCode(prepared.inline.code);
      const draft = typeof schema === "object" && schema.$schema === DRAFT_07 ? "draft-07" : "2020-12";
      const graph = schemaGraph(schema, draft, 2_000);
      for (let sample = 0; sample < 12; sample++) {
        const value = sampleValue(graph, { values: 5 + 10 * sample, characters: 6, seed: sample });
        const verdict = here.check(value, 0);
        expect(verdict, `${JSON.stringify(schema)} of ${JSON.stringify(value)}`).toEqual(
          prepared.compiled.check(value, 0),
        );
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(100);
  });

  test("judges numbers as they were written, where it is asked to", () => {
    const { inline } = prepare(
      { properties: { a: { maximum: 9007199254740992, type: "integer" }, b: { enum: [1] }, c: { uniqueItems: true } } },
      { exactNumbers: true },
    );
    if (inline === undefined) throw new Error("It is cheap.");
    const here = linkCode(inline.code);
    const check = (json: string) => {
      const text = textOf(json);
      return here.check(text.value, 0, exactNumbers(text)).kind;
    };
    expect(check('{"a":9007199254740993}')).toBe("invalid");
    expect(check('{"a":9007199254740992.0}')).toBe("valid");
    expect(check('{"a":9007199254740991.5}')).toBe("invalid");
    expect(check('{"b":1.00000000000000000001}')).toBe("invalid");
    expect(check('{"c":[9007199254740993,9007199254740992]}')).toBe("valid");
  });

  test("grows with the schema: a thousand names are no thousand times a thousand", () => {
    const names = Array.from({ length: 1_000 }, (_, index) => `property-${index}`);
    const { compiled } = prepare({ dependentRequired: { a: names } });
    expect(compiled.portableCode()?.explain.length).toBeLessThan(50_000);
  });
});

describe("what is left to workers", () => {
  test.each<[string, JsonSchema]>([
    ["more code than an event loop should read", wideSchema(220)],
    ["hundreds of branches for each item", { items: { oneOf: Array.from({ length: 700 }, () => false) } }],
    ["doubling", { allOf: [{ items: { $ref: "#" } }, { prefixItems: [{ $ref: "#" }] }] }],
    ["data that code cannot spell", JSON.parse('{"const":{"__proto__":1}}')],
  ])("%s", (_what, schema) => {
    expect(prepare(schema).inline).toBeUndefined();
  });

  test("a schema that took longer than was estimated counts for what it took", () => {
    const plain = prepare({ items: { type: "string" } }).inline?.rates.perValue ?? 0;
    const branches = prepare({ items: { oneOf: Array.from({ length: 40 }, () => ({ minLength: 3 })) } });
    expect(branches.inline?.rates.perValue).toBeGreaterThan(10 * plain);
  });
});
