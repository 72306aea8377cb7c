import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { exactNumbers } from "../../src/json/exact-numbers.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";
import { ValidatorCache } from "../../src/schemas/validator-cache.js";
import { expectNoLeaks } from "../support/leaks.js";
import { textOf } from "./json-text.js";
import { sealTools } from "./seal.js";

expectNoLeaks();

let cache: ValidatorCache;

beforeAll(() => {
  cache = new ValidatorCache({ maxContracts: 1_000 });
});
afterAll(() => cache.stop());

function judge(payload: JsonSchema, json: string) {
  const sealed = sealTools({ tool: { payload } });
  return cache.forContract(sealed.digest, sealed.contract).payload("tool", textOf(json));
}

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const MAX = 9007199254740992; // 2^53, the nearest double of 2^53 + 1

describe("numbers are judged as they are written", () => {
  test.each<[JsonSchema, string, boolean]>([
    [{ maximum: MAX }, "9007199254740993", false],
    [{ maximum: MAX }, "9007199254740992.00000", true],
    [{ exclusiveMinimum: MAX }, "9007199254740993", true],
    [{ exclusiveMinimum: MAX }, "9007199254740992", false],
    [{ minimum: 0.1 }, "0.09999999999999999999999", false],
    [{ exclusiveMaximum: 0.1 }, "0.09999999999999999999999", true],
    [{ maximum: 1 }, "1.00000000000000000000001", false],
    [{ multipleOf: 2 }, "9007199254740993", false],
    [{ multipleOf: 3 }, "9007199254740993", true],
    [{ multipleOf: 0.01 }, "123456789012345678.07", true],
    [{ multipleOf: 0.01 }, "123456789012345678.075", false],
    [{ const: MAX }, "9007199254740993", false],
    [{ const: { a: [MAX] } }, '{"a":[9007199254740993]}', false],
    [{ const: { a: [MAX] } }, '{"a":[9007199254740992.000000000]}', true],
    [{ enum: [1, MAX] }, "9007199254740993", false],
    [{ enum: [1, MAX, "x"] }, '"x"', true],
    [{ uniqueItems: true }, "[9007199254740992,9007199254740993]", true],
    [{ uniqueItems: true }, "[9007199254740993,9007199254740993.0]", false],
    [{ uniqueItems: true }, '[{"a":9007199254740993},{"a":9007199254740992}]', true],
    [{ uniqueItems: true }, '[{"a":[9007199254740993]},{"a":[90071992547409930e-1]}]', false],
    [{ uniqueItems: true }, '[[9007199254740993],["9007199254740993e0"]]', true],
    [{ type: "integer" }, "9007199254740993", true],
    [{ type: "integer" }, "9007199254740992.5", false],
    [{ type: ["integer", "string"] }, "1.00000000000000000000001", false],
    [{ type: ["integer", "number"] }, "1.00000000000000000000001", true],
    [{ type: "number" }, "1.00000000000000000000001", true],
    [{ type: "integer" }, "123456789012345678901234567890e-5", false],
    [{ type: "integer" }, "1234567890123456789012345678900000e-5", true],
    [
      { $schema: DRAFT_07, definitions: { a: { type: "integer" } }, $ref: "#/definitions/a" },
      "1.00000000000000000001",
      false,
    ],
    // Wherever the number stands.
    [{ properties: { a: { maximum: MAX } } }, '{"a":9007199254740993}', false],
    [{ properties: { a: { maximum: MAX } } }, '{"\\u0061":9007199254740993}', false],
    [{ patternProperties: { "^a": { maximum: MAX } } }, '{"ab":9007199254740993}', false],
    [{ additionalProperties: { maximum: MAX } }, '{"":9007199254740993}', false],
    [{ items: { maximum: MAX } }, "[1,9007199254740993]", false],
    [{ prefixItems: [true, { maximum: MAX }] }, "[1,9007199254740993]", false],
    [{ contains: { const: MAX } }, "[9007199254740993]", false],
    [{ unevaluatedItems: { maximum: MAX } }, "[9007199254740993]", false],
    [{ $defs: { n: { maximum: MAX } }, items: { items: { $ref: "#/$defs/n" } } }, "[[1],[[],9007199254740993]]", false],
    [{ anyOf: [{ maximum: MAX }, { minimum: 1e17 }] }, "9007199254740993", false],
    // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name
    [{ if: { maximum: MAX }, then: false, else: true }, "9007199254740993", true],
    [{ not: { maximum: MAX } }, "9007199254740993", true],
    [{ dependentSchemas: { a: { properties: { b: { maximum: MAX } } } } }, '{"a":1,"b":9007199254740993}', false],
    // Numbers that a double is printed as, in other spellings.
    [{ maximum: 0.1 }, "1.0000000000000000000E-1", true],
    [{ const: 1e21 }, "1000000000000000000000", true],
    [{ const: 0 }, "-0.0000000000000000000", true],
    [{ enum: [123456.789] }, "1234567.89000000000000e-1", true],
  ])("by %j, %s is valid: %s", async (schema, json, expected) => {
    // In a worker first, and then here where it is cheap.
    for (let time = 0; time < 3; time++)
      expect(await judge(schema, json)).toMatchObject({ kind: expected ? "valid" : "invalid" });
    expect(judge(schema, json)).not.toBeInstanceOf(Promise);
  });

  test("in the worker as on the event loop", async () => {
    const wide: JsonSchema = { description: "x".repeat(200_000), properties: { a: { maximum: MAX, type: "integer" } } };
    expect(await judge(wide, '{"a":9007199254740993}')).toEqual({
      kind: "invalid",
      violations: [{ field: "/a", description: `must be <= ${MAX}` }],
    });
    expect(await judge(wide, '{"a":9007199254740992}')).toEqual({ kind: "valid" });
    expect(await judge(wide, '{"a":9007199254740991.5}')).toEqual({
      kind: "invalid",
      violations: [{ field: "/a", description: "must be of type integer" }],
    });
  });

  test.each<[string, JsonSchema, string]>([
    [
      "multiples, for many decimals",
      { items: { allOf: Array.from({ length: 100 }, () => ({ multipleOf: 0.01 })) } },
      JSON.stringify(Array.from({ length: 1_000 }, (_, index) => index / 100)),
    ],
    [
      "limits, for many long numbers",
      { items: { allOf: Array.from({ length: 100 }, () => ({ minimum: 1 })) } },
      `[${Array.from({ length: 1_000 }, () => "9007199254740993").join()}]`,
    ],
    [
      "a text that is full of long numbers",
      { items: { items: { type: "integer" } } },
      `[${Array.from({ length: 10_000 }, () => "[9007199254740993]").join()}]`,
    ],
  ])("off the event loop where that takes long: %s", async (_what, schema, json) => {
    expect(await judge(schema, "[1]")).toEqual({ kind: "valid" });
    expect(judge(schema, "[1]")).toEqual({ kind: "valid" });
    const judged = judge(schema, json);
    expect(judged).toBeInstanceOf(Promise);
    expect(await judged).toEqual({ kind: "valid" });
  });

  test("says which rule a number breaks", async () => {
    expect(await judge({ type: "integer" }, "1.00000000000000000000001")).toEqual({
      kind: "invalid",
      violations: [{ field: "", description: "must be of type integer" }],
    });
  });

  test("compiles a second time only for a number that a double does not hold", async () => {
    const schema: JsonSchema = { maximum: 1, title: "of its own" };
    const { schemas } = cache.counters;
    await judge(schema, "0.30000000000000004");
    await judge(schema, "1e-7");
    expect(cache.counters.schemas).toBe(schemas + 1);
    await judge(schema, "0.300000000000000041");
    expect(cache.counters.schemas).toBe(schemas + 2);
  });

  test("which comes to the same as doubles do, for numbers that they hold", () => {
    const random = seeded(7);
    const schemas: JsonSchema[] = [
      ...[{ maximum: 0.3 }, { minimum: -12.5 }, { exclusiveMaximum: 100 }, { multipleOf: 0.01 }, { multipleOf: 3 }],
      ...[{ type: "integer" }, { enum: [0.1, 1, 250] }, { const: -3 }],
    ];
    const both = schemas.map((schema) => {
      const policy = checkSchemaPolicy(schema);
      if (policy.kind === "refused") throw new Error("It is sound.");
      const compiled = (exactNumbers: boolean) => new CompiledSchema(policy, { assertFormats: false, exactNumbers });
      return [schema, compiled(false), compiled(true)] as const;
    });
    for (let round = 0; round < 2_000; round++) {
      const places = random(6);
      const value = Number(((random(2_000_000) - 1_000_000) / 10 ** places).toFixed(places)) * 10 ** (random(3) * 10);
      const text = textOf(`${value.toExponential()}`);
      for (const [schema, ordinary, exact] of both) {
        const told = exact.check(text.value, 0, exactNumbers(text)).kind;
        expect(told, `${value} by ${JSON.stringify(schema)}`).toBe(ordinary.check(text.value, 0).kind);
      }
    }
  });
});

/** The same numbers each time: integers from 0 up to below a bound. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
