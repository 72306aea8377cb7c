import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";

function violations(schema: JsonSchema, value: Json) {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused") throw new Error(JSON.stringify(policy.faults));
  const validation = new CompiledSchema(policy, { assertFormats: true, exactNumbers: false }).check(value, 0);
  return validation.kind === "invalid" ? validation.violations : [];
}

describe("each rule has its words", () => {
  test.each<[JsonSchema, Json, string, string]>([
    [{ type: "string" }, 1, "", "must be of type string"],
    [{ type: ["string", "null"] }, 1, "", "must be of type string or null"],
    [{ required: ["a"] }, {}, "", 'must have the property "a"'],
    [{ dependentRequired: { a: ["b"] } }, { a: 1 }, "", 'must have the property "b" beside "a"'],
    [{ enum: ["secret-a", "secret-b"] }, "x", "", "must be one of the values that the schema lists"],
    [{ const: "secret" }, "x", "", "must be the one value that the schema names"],
    [{ minimum: 3 }, 1, "", "must be >= 3"],
    [{ exclusiveMaximum: 3 }, 3, "", "must be < 3"],
    [{ multipleOf: 0.5 }, 0.3, "", "must be a multiple of 0.5"],
    [{ minLength: 1 }, "", "", "must have at least 1 character"],
    [{ maxLength: 2 }, "abc", "", "must have at most 2 characters"],
    [{ minItems: 2 }, [], "", "must have at least 2 items"],
    [{ maxItems: 1 }, [1, 2], "", "must have at most 1 item"],
    [{ prefixItems: [{}], items: false }, [1, 2], "", "must have at most 1 item"],
    [{ prefixItems: [{}], unevaluatedItems: false }, [1, 2], "", "must have at most 1 item"],
    [{ minProperties: 1 }, {}, "", "must have at least 1 property"],
    [{ maxProperties: 0 }, { a: 1 }, "", "must have at most 0 properties"],
    [{ uniqueItems: true }, [1, 1], "", "must have no two equal items"],
    [{ contains: { const: 1 } }, [2], "", "must have at least 1 of the items that the schema asks for"],
    [
      { contains: { type: "string" }, minContains: 2, maxContains: 3 },
      ["a"],
      "",
      "must have at least 2 and at most 3 of the items that the schema asks for",
    ],
    [{ pattern: "^a$" }, "b", "", 'must match the pattern "^a$"'],
    [{ format: "email" }, "b", "", 'must be in the format "email"'],
    [{ not: {} }, 1, "", "must not fit the schema that is excluded (not)"],
    [{ properties: { a: false } }, { a: 1 }, "/a", "is not allowed here"],
    [{ additionalProperties: false }, { "a/b": 1 }, "/*", "is not a property that the schema knows"],
    [
      { properties: { path: {} }, additionalProperties: false },
      { paht: 1 },
      "/*",
      'is not a property that the schema knows; the schema knows "path"',
    ],
    [{ anyOf: [{}], unevaluatedProperties: false }, { x: 1 }, "/*", "is not a property that the schema knows"],
    [{ properties: { "a/b": { type: "string" } } }, { "a/b": 1 }, "/a~1b", "must be of type string"],
  ])("%j", (schema, value, field, description) => {
    expect(violations(schema, value)).toContainEqual({ field, description });
  });

  test("alternatives are told with what each of them asks for", () => {
    expect(
      violations({ anyOf: [{ type: "string" }, { minimum: 5 }] }, 1).map(({ description }) => description),
    ).toEqual(["must be of type string", "must be >= 5", "must fit at least one of the schema's alternatives (anyOf)"]);
    expect(violations({ oneOf: [{}, {}] }, 1)).toEqual([
      { field: "", description: "must fit only one of the schema's alternatives (oneOf)" },
    ]);
  });

  test("names of properties that break a rule are not", () => {
    expect(violations({ propertyNames: { maxLength: 2 } }, { abc: 1 })).toContainEqual({
      field: "/*",
      description: "has a name that breaks a rule: must have at most 2 characters",
    });
  });
});

describe("secrets", () => {
  const SECRET = "correct horse battery staple";

  test("in values and in what the schema allows are never told", () => {
    const schema: JsonSchema = {
      properties: {
        a: { enum: [SECRET] },
        b: { const: SECRET },
        c: { type: "number" },
        d: { format: "email", maxLength: 1, pattern: "^x$" },
        e: { not: { const: SECRET } },
        f: { items: { minimum: 3 } },
      },
    };
    const told = JSON.stringify(violations(schema, { a: "x", b: "y", c: SECRET, d: SECRET, e: SECRET, f: [-123_456] }));
    expect(told).not.toContain(SECRET);
    expect(told).not.toContain("123456");
  });

  test.each<[string, JsonSchema, Json, string]>([
    ["that no keyword knows", { additionalProperties: false }, { [SECRET]: 1 }, "/*"],
    ["that a pattern takes", { patternProperties: { e: { type: "null" } } }, { [SECRET]: 1 }, "/*"],
    ["of a map", { additionalProperties: { required: ["a"] } }, { [SECRET]: {} }, "/*"],
    ["that break a rule", { propertyNames: { maxLength: 2 } }, { [SECRET]: 1 }, "/*"],
    ["that look like an index", { additionalProperties: { type: "null" } }, { "4111111111111111": 1 }, "/*"],
    [
      "on the way to the place",
      { additionalProperties: { items: { properties: { a: { type: "string" } } } } },
      { [SECRET]: [{}, { a: 1 }] },
      "/*/1/a",
    ],
    ["that only data of the schema names", { const: { properties: { [SECRET]: 1 } } }, { [SECRET]: 1 }, ""],
  ])("in names of properties %s are never told", (_what, schema, value, field) => {
    const told = violations(schema, value);
    expect(told[0]?.field).toBe(field);
    expect(JSON.stringify(told)).not.toMatch(/correct horse|4111/);
  });

  test("and long or odd names are cut and cleaned", () => {
    const name = "n".repeat(5_000);
    const [violation] = violations({ properties: { [name]: { type: "string" } } }, { [name]: 1 });
    expect(violation?.field).toBe(`/${"n".repeat(63)}…`);
    const odd = violations({ properties: { "a\u001b[2J\u202e": { type: "string" } } }, { "a\u001b[2J\u202e": 1 });
    expect(odd[0]?.field).toBe("/a\ufffd[2J\ufffd");
    const long = violations({ pattern: `^${"x".repeat(1_000)}$` }, "y");
    expect(long[0]?.description.length).toBeLessThan(120);
  });
});
