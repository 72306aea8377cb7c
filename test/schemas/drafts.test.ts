import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { exactNumbers } from "../../src/json/exact-numbers.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { inspectSchema } from "../../src/schemas/inspect-schema.js";
import { checkSchemaPolicy, DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";
import { textOf } from "./json-text.js";

const DRAFT_04 = { $schema: "http://json-schema.org/draft-04/schema#" };
const DRAFT_06 = { $schema: "http://json-schema.org/draft-06/schema#" };
const DRAFT_07 = { $schema: "http://json-schema.org/draft-07/schema#" };
const DRAFT_2019 = { $schema: "https://json-schema.org/draft/2019-09/schema" };

/** Refuses everything. */
const CONDITION: JsonSchema = JSON.parse('{"if": {}, "then": false, "else": false}');

/** What a registration says of a schema: its faults, or what judges by it. */
function inspect(schema: JsonSchema): CompiledSchema | readonly { pointer: string; reason: string }[] {
  const inspected = inspectSchema(schema, DEFAULT_SCHEMA_LIMITS, { assertFormats: false, exactNumbers: false });
  return inspected.kind === "sound" ? inspected.compiled : inspected.faults;
}

function accepts(schema: JsonSchema, value: Json): boolean {
  const inspected = inspect(schema);
  if (!(inspected instanceof CompiledSchema)) throw new Error(JSON.stringify(inspected));
  return inspected.check(value, 0).kind === "valid";
}

describe("draft-04", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    ["a bound that a flag makes exclusive refuses itself", { minimum: 3, exclusiveMinimum: true }, 3, false],
    ["and takes what is beyond", { maximum: 3, exclusiveMaximum: true }, 2, true],
    ["a flag that is off leaves it inclusive", { minimum: 3, exclusiveMinimum: false }, 3, true],
    [
      "flags count wherever a schema is",
      { definitions: { a: { maximum: 1, exclusiveMaximum: true } }, items: { anyOf: [{ $ref: "#/definitions/a" }] } },
      [1],
      false,
    ],
    [
      "id names a place",
      { id: "http://example.com/root", definitions: { a: { id: "#a", type: "string" } }, $ref: "#a" },
      1,
      false,
    ],
    ["id is a property like any other among properties", { properties: { id: { type: "string" } } }, { id: 1 }, false],
    ["$id is none", { definitions: { a: { $id: "#x" }, b: { $id: "#x" } }, type: "string" }, "a", true],
    ["const is unknown", { const: 1 }, 2, true],
    ["contains is unknown", { contains: { type: "string" } }, [1], true],
    ["propertyNames is unknown", { propertyNames: { maxLength: 1 } }, { abc: 1 }, true],
    ["if is unknown", CONDITION, 1, true],
    ["a list of items counts", { items: [{ type: "string" }], additionalItems: false }, ["a", 1], false],
    ["beside $ref nothing counts", { definitions: { a: {} }, $ref: "#/definitions/a", type: "string" }, 1, true],
    [
      "beside $ref id names nothing",
      {
        id: "http://example.com/a/b",
        definitions: { c: { id: "c", type: "number" }, d: { id: "http://example.com/x/c", type: "string" } },
        allOf: [{ id: "http://example.com/x/", $ref: "c" }],
      },
      1,
      true,
    ],
    ["dependencies count", { dependencies: { a: ["b"] } }, { a: 1 }, false],
    ["a reference leads into what the draft does not know", { $ref: "#/if", if: { type: "string" } }, 1, false],
  ])("%s", (_name, schema, value, isValid) => {
    expect(accepts({ ...DRAFT_04, ...(schema as object) }, value)).toBe(isValid);
  });

  test("is itself the judge of its schemas", () => {
    expect(inspect({ ...DRAFT_04, exclusiveMinimum: 3 })).toMatchObject([
      { pointer: "" },
      { pointer: "/exclusiveMinimum" },
    ]);
    expect(inspect({ ...DRAFT_04, properties: { a: { required: [] } } })).toMatchObject([
      { pointer: "/properties/a/required" },
    ]);
  });

  test("numbers are judged as they are written, flags included", () => {
    const schema = { ...DRAFT_04, type: "integer", maximum: 9007199254740992, exclusiveMaximum: true };
    const policy = checkSchemaPolicy(schema);
    if (policy.kind === "refused") throw new Error("It is sound.");
    const compiled = new CompiledSchema(policy, { assertFormats: false, exactNumbers: true });
    const verdict = (json: string) => {
      const text = textOf(json);
      return compiled.check(text.value, 0, exactNumbers(text)).kind;
    };
    expect([verdict("9007199254740991"), verdict("9007199254740991.5"), verdict("9007199254740993")]).toEqual([
      "valid",
      "invalid",
      "invalid",
    ]);
  });

  test("the schema that was given is left as it is", () => {
    const schema = { ...DRAFT_04, id: "x", minimum: 3, exclusiveMinimum: true };
    const before = structuredClone(schema);
    accepts(schema, 4);
    expect(schema).toEqual(before);
  });
});

describe("draft-06", () => {
  test.each<[string, JsonSchema, Json, boolean]>([
    ["bounds are numbers", { exclusiveMinimum: 3 }, 3, false],
    ["const counts", { const: 1 }, 2, false],
    ["contains counts", { contains: { type: "string" } }, [1], false],
    ["if is unknown", CONDITION, 1, true],
    ["beside $ref nothing counts", { definitions: { a: {} }, $ref: "#/definitions/a", type: "string" }, 1, true],
    ["a boolean is a schema", { properties: { a: false } }, { a: 1 }, false],
  ])("%s", (_name, schema, value, isValid) => {
    expect(accepts({ ...DRAFT_06, ...(schema as object) }, value)).toBe(isValid);
  });
});

describe("draft 2019-09", () => {
  const TREE = { properties: { next: { $recursiveRef: "#" }, value: { type: "string" } }, required: ["value"] };

  test.each<[string, JsonSchema, Json, boolean]>([
    ["a list of items counts", { items: [{ type: "string" }], additionalItems: false }, ["a", 1], false],
    ["prefixItems is unknown", { prefixItems: [{ type: "string" }] }, [1], true],
    ["beside $ref everything counts", { $defs: { a: {} }, $ref: "#/$defs/a", type: "string" }, 1, false],
    [
      "unevaluatedProperties counts",
      { allOf: [{ properties: { a: {} } }], unevaluatedProperties: false },
      { b: 1 },
      false,
    ],
    ["and what is inherited is not evaluated", { allOf: [{}], unevaluatedProperties: false }, { toString: 1 }, false],
    ["minContains counts", { contains: { const: 1 }, minContains: 2 }, [1], false],
    ["dependentRequired counts", { dependentRequired: { a: ["b"] } }, { a: 1 }, false],
    ["$anchor names a place", { $defs: { a: { $anchor: "a", type: "string" } }, $ref: "#a" }, 1, false],
    ["$dynamicRef is unknown", { $dynamicRef: "#nowhere" }, 1, true],
    ["$recursiveRef leads to the root", TREE, { value: "a", next: { value: "b", next: {} } }, false],
    ["with an anchor too", { ...TREE, $recursiveAnchor: true }, { value: "a", next: { value: 1 } }, false],
    [
      "from within a definition too",
      {
        $defs: { a: { items: { $recursiveRef: "#" } } },
        anyOf: [{ type: "string" }, { $ref: "#/$defs/a", type: "array" }],
      },
      [["a", [1]]],
      false,
    ],
    [
      "beside $ref too",
      { $defs: { a: { minLength: 1 } }, type: ["array", "string"], items: { $ref: "#/$defs/a", $recursiveRef: "#" } },
      [1],
      false,
    ],
    ["and takes what fits", TREE, { value: "a", next: { value: "b" } }, true],
  ])("%s", (_name, schema, value, isValid) => {
    expect(accepts({ ...DRAFT_2019, ...(schema as object) }, value)).toBe(isValid);
  });

  test("$recursiveRef leads to the outermost part that has an anchor, if the nearest has one", () => {
    const part = (anchor: object): JsonSchema => ({ $id: "part", ...anchor, items: { $recursiveRef: "#" } });
    const whole = (outer: object, inner: object): JsonSchema => ({
      ...DRAFT_2019,
      $id: "http://example.com/whole",
      ...outer,
      properties: { a: part(inner) },
      required: ["x"],
    });
    const ANCHOR = { $recursiveAnchor: true };
    const value = { x: 1, a: [{}] };
    expect(accepts(whole(ANCHOR, ANCHOR), value)).toBe(false);
    expect(accepts(whole(ANCHOR, ANCHOR), { x: 1, a: [{ x: 1 }] })).toBe(true);
    expect(accepts(whole({}, ANCHOR), value)).toBe(true);
    expect(accepts(whole(ANCHOR, {}), value)).toBe(true);
    expect(accepts(whole(ANCHOR, { $recursiveAnchor: false }), value)).toBe(true);
  });

  test("$recursiveRef leads nowhere else", () => {
    expect(inspect({ ...DRAFT_2019, $recursiveRef: "#/$defs/a", $defs: { a: {} } })).toMatchObject([
      { pointer: "/$recursiveRef", reason: 'must be "#"' },
    ]);
  });
});

test("a part is of the draft of the whole", () => {
  expect(inspect({ ...DRAFT_04, properties: { a: DRAFT_04 } })).toBeInstanceOf(CompiledSchema);
  expect(inspect({ ...DRAFT_04, properties: { a: DRAFT_07 } })).toMatchObject([{ pointer: "/properties/a/$schema" }]);
});
