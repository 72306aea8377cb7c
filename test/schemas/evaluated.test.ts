import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";

function accepts(schema: JsonSchema, value: Json, cost = 0): boolean {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused") throw new Error(JSON.stringify(policy.faults));
  const compiled = new CompiledSchema(policy, { assertFormats: false, exactNumbers: false });
  const { kind } = compiled.check(value, cost);
  if (kind === "inconclusive") throw new Error("It has no verdict.");
  return kind === "valid";
}

const has = (name: string, type = true as JsonSchema): JsonSchema => ({
  properties: { [name]: type },
  required: [name],
});

describe("what is evaluated", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    ["if without then counts where it holds", { if: has("a"), unevaluatedProperties: false }, { a: 1 }, true],
    ["and not where it fails", { if: has("a"), unevaluatedProperties: false }, { b: 1 }, false],
    [
      "an if that fails counts for nothing",
      { if: { allOf: [has("a"), has("b")] }, else: true, unevaluatedProperties: false },
      { a: 1 },
      false,
    ],
    ["else counts without then", { if: has("a"), else: has("b"), unevaluatedProperties: false }, { b: 1 }, true],
    [
      "what a reference evaluates is kept where an alternative fails",
      { $ref: "#/$defs/a", anyOf: [has("b"), true], unevaluatedProperties: false, $defs: { a: has("a") } },
      { a: 1 },
      true,
    ],
    [
      "what allOf evaluates is kept where oneOf has another alternative",
      { allOf: [has("a")], oneOf: [has("b"), { not: has("b") }], unevaluatedProperties: false },
      { a: 1 },
      true,
    ],
    [
      "a dependent schema counts where it applies",
      { properties: { a: true }, dependentSchemas: { a: { properties: { b: true } } }, unevaluatedProperties: false },
      { b: 1 },
      false,
    ],
    [
      "patterns count beside an alternative",
      { anyOf: [has("b"), true], patternProperties: { "^a": true }, unevaluatedProperties: false },
      { a: 1 },
      true,
    ],
    [
      "patterns count beside a reference that evaluates everything",
      {
        $ref: "#/$defs/all",
        patternProperties: { "^a": true },
        unevaluatedProperties: false,
        $defs: { all: { anyOf: [{ additionalProperties: true }, { type: "object" }] } },
      },
      { a: 1, b: 1 },
      true,
    ],
    [
      "patterns beside an alternative that fails are no hindrance",
      { patternProperties: { ".": true }, oneOf: [{ maxProperties: 0 }, has("b")] },
      { c: 1 },
      false,
    ],
    [
      "a dependent schema takes nothing from arrays",
      { allOf: [{ prefixItems: [true], dependentSchemas: { b: { prefixItems: [true] } } }], unevaluatedItems: false },
      [1],
      true,
    ],
    [
      "items of an alternative that holds are all evaluated",
      { anyOf: [{ items: { type: "string" } }, true], unevaluatedItems: { type: "boolean" } },
      ["a", "b"],
      true,
    ],
    [
      "items of an alternative that fails are not",
      { anyOf: [{ items: { type: "string" } }, true], unevaluatedItems: { type: "boolean" } },
      ["a", false],
      false,
    ],
    [
      "and fit what is asked for then",
      { anyOf: [{ items: { type: "string" } }, true], unevaluatedItems: { type: "boolean" } },
      [true, false],
      true,
    ],
    ["contains evaluates what fits", { contains: { type: "string" }, unevaluatedItems: false }, ["a", "b"], true],
    ["contains evaluates nothing else", { contains: { type: "string" }, unevaluatedItems: false }, ["a", 1], false],
    [
      "contains in allOf evaluates what fits",
      {
        allOf: [{ contains: { multipleOf: 2 } }, { contains: { multipleOf: 3 } }],
        unevaluatedItems: { multipleOf: 5 },
      },
      [2, 3, 4, 5, 6],
      true,
    ],
    [
      "contains that asks for nothing evaluates what fits",
      { contains: { type: "string" }, minContains: 0, unevaluatedItems: false },
      ["a"],
      true,
    ],
    [
      "contains within not evaluates nothing",
      { not: { contains: { type: "string" } }, unevaluatedItems: false },
      [1],
      false,
    ],
    ["contains beside items is no hindrance", { contains: { const: 1 }, items: { minimum: 1 } }, [1, 0], false],
    [
      "names of a prototype are not evaluated",
      { anyOf: [has("a"), true], unevaluatedProperties: false },
      { toString: 1 },
      false,
    ],
  ])("%s", (_what, schema, value, expected) => {
    // With all violations, too: that is other code.
    expect([accepts(schema, value), accepts(schema, value, 1_000_000)]).toEqual([expected, expected]);
  });

  test("contains under a condition beside unevaluatedItems is refused", () => {
    for (const condition of [
      { anyOf: [{ contains: { const: 1 } }, true] },
      { if: { contains: { const: 1 } } },
      { $ref: "#/$defs/a", $defs: { a: { oneOf: [{ contains: { const: 1 } }] } } },
    ] as const) {
      const policy = checkSchemaPolicy({ ...condition, unevaluatedItems: false });
      expect(policy).toMatchObject({ kind: "refused", faults: [{ pointer: "/unevaluatedItems" }] });
    }
    expect(checkSchemaPolicy({ anyOf: [{ contains: { const: 1 } }] }).kind).toBe("passed");
  });
});

/** A verdict with what is evaluated, as sections 10 and 11 of JSON Schema Core have it, written to be read and not to be fast. */
function judge(schema: Json, value: Json): { valid: boolean; props: Set<string>; items: Set<number> } {
  const props = new Set<string>();
  const items = new Set<number>();
  if (typeof schema === "boolean") return { valid: schema, props, items };
  const s = schema as { readonly [keyword: string]: Json };
  const object =
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as { readonly [name: string]: Json })
      : undefined;
  const array = Array.isArray(value) ? value : undefined;
  let valid = true;
  const list = (keyword: string) => (s[keyword] ?? []) as Json[];
  const take = (other: ReturnType<typeof judge>) => {
    for (const name of other.props) props.add(name);
    for (const index of other.items) items.add(index);
  };
  if (s.type === "string") valid &&= typeof value === "string";
  if (s.type === "number") valid &&= typeof value === "number";
  for (const each of list("allOf")) {
    const one = judge(each, value);
    valid &&= one.valid;
    take(one);
  }
  for (const keyword of ["anyOf", "oneOf"]) {
    if (s[keyword] === undefined) continue;
    const fitting = list(keyword)
      .map((each) => judge(each, value))
      .filter((one) => one.valid);
    valid &&= keyword === "anyOf" ? fitting.length > 0 : fitting.length === 1;
    for (const one of fitting) take(one);
  }
  if (s.not !== undefined) valid &&= !judge(s.not, value).valid;
  if (s.if !== undefined) {
    const condition = judge(s.if, value);
    if (condition.valid) take(condition);
    const clause = judge((condition.valid ? s.then : s.else) ?? true, value);
    valid &&= clause.valid;
    take(clause);
  }
  if (object !== undefined) {
    for (const name of list("required") as string[]) valid &&= Object.hasOwn(object, name);
    for (const [name, each] of Object.entries((s.properties ?? {}) as Record<string, Json>)) {
      if (!Object.hasOwn(object, name)) continue;
      valid &&= judge(each, object[name] as Json).valid;
      props.add(name);
    }
    for (const [name, each] of Object.entries((s.dependentSchemas ?? {}) as Record<string, Json>)) {
      if (!Object.hasOwn(object, name)) continue;
      const one = judge(each, value);
      valid &&= one.valid;
      take(one);
    }
    if (s.unevaluatedProperties !== undefined) {
      for (const name of Object.keys(object)) {
        if (!props.has(name)) valid &&= judge(s.unevaluatedProperties, object[name] as Json).valid;
      }
      for (const name of Object.keys(object)) props.add(name);
    }
  }
  if (array !== undefined) {
    const first = list("prefixItems");
    for (const [index, item] of array.entries()) {
      const each = first[index] ?? s.items;
      if (each === undefined) continue;
      valid &&= judge(each, item).valid;
      items.add(index);
    }
    if (s.contains !== undefined) {
      const fitting = [...array.keys()].filter((index) => judge(s.contains as Json, array[index] as Json).valid);
      valid &&= fitting.length > 0;
      for (const index of fitting) items.add(index);
    }
    if (s.unevaluatedItems !== undefined) {
      for (const [index, item] of array.entries()) {
        if (!items.has(index)) valid &&= judge(s.unevaluatedItems, item).valid;
        items.add(index);
      }
    }
  }
  return { valid, props, items };
}

test("random schemas are judged as the specification says", () => {
  let state = 20_201_212;
  const below = (end: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * end);
  };
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T; // within the list
  const names = ["a", "b", "c"] as const;
  const leaf = (): Json => pick<Json>([true, false, { type: "string" }, { type: "number" }]);
  const schemaOf = (depth: number, isSure: boolean): Json => {
    if (depth === 0) return leaf();
    const schema: Record<string, Json> = {};
    for (let count = 1 + below(3); count > 0; count--) {
      const sub = () => schemaOf(depth - 1, false);
      switch (below(14)) {
        case 0:
          schema.properties = { [pick(names)]: leaf(), [pick(names)]: leaf() };
          break;
        case 1:
          schema.required = [pick(names)];
          break;
        case 2:
          schema.anyOf = [sub(), sub()];
          break;
        case 3:
          schema.oneOf = [sub(), sub()];
          break;
        case 4:
          schema.allOf = [schemaOf(depth - 1, isSure), schemaOf(depth - 1, isSure)];
          break;
        case 5:
          schema.not = sub();
          break;
        case 6:
          schema.if = sub();
          // biome-ignore lint/suspicious/noThenProperty: it is the keyword's name, and this object is never awaited
          if (below(2) === 0) schema.then = sub();
          if (below(2) === 0) schema.else = sub();
          break;
        case 7:
          schema.prefixItems = [leaf()];
          break;
        case 8:
          schema.items = leaf();
          break;
        case 9:
          if (isSure) schema.contains = leaf();
          break;
        case 10:
          schema.unevaluatedItems = leaf();
          break;
        case 11:
          schema.unevaluatedProperties = leaf();
          break;
        case 12:
          schema.dependentSchemas = { [pick(names)]: sub() };
          break;
        default:
          schema.type = pick(["string", "number"]);
      }
    }
    return schema;
  };
  const randomValue = (): Json => {
    const scalar = () => pick<Json>([1, "x"]);
    if (below(2) === 0) return Array.from({ length: below(4) }, scalar);
    return Object.fromEntries(names.filter(() => below(2) === 0).map((name) => [name, scalar()]));
  };
  let valid = 0;
  for (let round = 0; round < 400; round++) {
    const schema = {
      ...(schemaOf(3, true) as object),
      [pick(["unevaluatedItems", "unevaluatedProperties"])]: leaf(),
    } as JsonSchema;
    const policy = checkSchemaPolicy(schema);
    if (policy.kind === "refused") continue;
    const compiled = new CompiledSchema(policy, { assertFormats: false, exactNumbers: false });
    for (let count = 0; count < 8; count++) {
      const value = randomValue();
      const expected = judge(schema, value).valid;
      if (expected) valid++;
      const said = compiled.check(value, count % 2 === 0 ? 0 : 1_000_000).kind;
      const what = `${JSON.stringify(schema)} ${JSON.stringify(value)}`;
      expect(`${said} ${what}`).toBe(`${expected ? "valid" : "invalid"} ${what}`);
    }
  }
  expect(valid).toBeGreaterThan(200); // the schemas are not all impossible
});
