import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import { checkSchemaPolicy } from "../../src/schemas/schema-policy.js";
import { schemaNotes } from "../../src/schemas/warnings.js";

const DRAFT_07 = "http://json-schema.org/draft-07/schema#";
const DRAFT_04 = "http://json-schema.org/draft-04/schema#";

function notes(schema: JsonSchema, assertFormats = true): Record<string, string> {
  const policy = checkSchemaPolicy(schema);
  if (policy.kind === "refused") throw new Error(JSON.stringify(policy.faults));
  return Object.fromEntries(
    schemaNotes(policy.graph.nodes, policy.draft, assertFormats).map(({ pointer, message }) => [pointer, message]),
  );
}

describe("unknown keywords", () => {
  test.each([
    ["minLenght", "minLength"],
    ["additionalproperties", "additionalProperties"],
    ["requird", "required"],
    ["descripton", "description"],
    ["propertes", "properties"],
    ["max", "maximum"],
    ["regex", "pattern"],
    ["oneof", "oneOf"],
  ])("%s: did you mean %s?", (keyword, meant) => {
    expect(notes({ properties: { a: { [keyword]: 1 } } })).toEqual({
      [`/properties/a/${keyword}`]: `is not a keyword of draft 2020-12, so it checks nothing; did you mean ${meant}?`,
    });
  });

  test("without a near one get no suggestion", () => {
    expect(notes({ $schema: DRAFT_07, somethingElse: 1 })).toEqual({
      "/somethingElse": "is not a keyword of draft-07, so it checks nothing",
    });
    expect(notes({ ["k".repeat(10_000)]: 1 })).toEqual({
      [`/${"k".repeat(63)}…`]: "is not a keyword of draft 2020-12, so it checks nothing",
    });
  });

  test("that are meant for others are not mentioned", () => {
    expect(
      notes({
        "x-order": 1,
        example: 2,
        markdownDescription: "",
        title: "",
        examples: [],
        $comment: "",
        contentEncoding: "base64",
      }),
    ).toEqual({});
  });

  test("are looked for in every schema, and nowhere else", () => {
    const schema = {
      $defs: { a: { not: { minimun: 1 } } },
      properties: { minimun: {} },
      default: { minimun: 1 },
      enum: [{ minimun: 1 }],
    };
    expect(Object.keys(notes(schema))).toEqual(["/$defs/a/not/minimun"]);
  });
});

describe("keywords of another draft", () => {
  test.each<[JsonSchema, string, string]>([
    [
      { $schema: DRAFT_07, prefixItems: [] },
      "/prefixItems",
      "belongs to draft 2020-12, so it checks nothing in draft-07; did you mean items with an array of schemas?",
    ],
    [
      { $schema: DRAFT_07, dependentRequired: {} },
      "/dependentRequired",
      "belongs to draft 2020-12, so it checks nothing in draft-07; did you mean dependencies?",
    ],
    [
      { $schema: DRAFT_07, unevaluatedProperties: false },
      "/unevaluatedProperties",
      "belongs to draft 2020-12, so it checks nothing in draft-07",
    ],
    [
      { additionalItems: false },
      "/additionalItems",
      "belongs to draft-07, so it checks nothing in draft 2020-12; did you mean items beside prefixItems?",
    ],
    [
      { $recursiveRef: "#" },
      "/$recursiveRef",
      "belongs to draft 2019-09, so it checks nothing in draft 2020-12; did you mean $dynamicRef or $ref?",
    ],
    [{ id: "x" }, "/id", "belongs to draft-04, so it checks nothing in draft 2020-12; did you mean $id?"],
    [
      { dependencies: {} },
      "/dependencies",
      "belongs to draft-07, and works here; draft 2020-12 calls it dependentSchemas or dependentRequired",
    ],
    [
      { $schema: DRAFT_04, const: 1 },
      "/const",
      "belongs to draft-06, so it checks nothing in draft-04; did you mean enum with one value?",
    ],
    [
      { $schema: DRAFT_04, $id: "x" },
      "/$id",
      "belongs to draft-06, so it checks nothing in draft-04; did you mean id?",
    ],
    [
      { $schema: "https://json-schema.org/draft/2019-09/schema", prefixItems: [{}] },
      "/prefixItems",
      "belongs to draft 2020-12, so it checks nothing in draft 2019-09; did you mean items with an array of schemas?",
    ],
    [
      { type: "string", nullable: true },
      "/nullable",
      'belongs to OpenAPI, so it allows nothing here; write "null" into type',
    ],
  ])("%j", (schema, pointer, message) => {
    expect(notes(schema)).toEqual({ [pointer]: message });
  });

  test("that both understand are not mentioned", () => {
    expect(notes({ $schema: DRAFT_07, $defs: {}, definitions: {} })).toEqual({});
    expect(notes({ $defs: {}, definitions: {} })).toEqual({});
  });
});

test("what draft-07 ignores beside a reference is mentioned, descriptions are not", () => {
  const schema = {
    definitions: { a: {} },
    properties: { x: { $ref: "#/definitions/a", description: "", minLength: 1 } },
  };
  expect(notes({ ...schema, $schema: DRAFT_07 })).toEqual({
    "/properties/x/minLength": "is ignored beside $ref in draft-07; put both into allOf, or use draft 2020-12",
  });
  expect(notes(schema)).toEqual({});
});

describe("formats", () => {
  test.each(["email", "date-time", "iri", "idn-email", "int32", "regex"])("%s is known", (format) => {
    expect(notes({ format })).toEqual({});
  });

  test("unknown ones check nothing, with a suggestion where one is near", () => {
    expect(notes({ format: "json" })).toEqual({ "/format": "names a format that is not known, so it checks nothing" });
    expect(notes({ format: "e-mail" })).toEqual({
      "/format": "names a format that is not known, so it checks nothing; did you mean email?",
    });
    expect(notes({ format: "datetime" })).toEqual({
      "/format": "names a format that is not known, so it checks nothing; did you mean date-time?",
    });
  });

  test("may be any words where they are annotations", () => {
    expect(notes({ format: "json" }, false)).toEqual({});
  });
});
