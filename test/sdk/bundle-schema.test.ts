import { describe, expect, test } from "vitest";
import type { JsonSchema } from "../../src/contract/contract.js";
import type { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { Json } from "../../src/json/json.js";
import { CompiledSchema } from "../../src/schemas/compiler.js";
import { inspectSchema } from "../../src/schemas/inspect-schema.js";
import { DEFAULT_SCHEMA_LIMITS } from "../../src/schemas/schema-policy.js";
import { type BundleOptions, bundleSchema } from "../../src/sdk/bundle-schema.js";

/** Judges by the bundle as a gateway does. */
async function accepts(schema: JsonSchema, options: BundleOptions, value: Json): Promise<boolean> {
  const bundled = await bundleSchema(schema, options);
  const inspected = inspectSchema(bundled, DEFAULT_SCHEMA_LIMITS, { assertFormats: false, exactNumbers: false });
  if (inspected.kind === "faulty") throw new Error(JSON.stringify([inspected.faults, bundled]));
  expect(inspected.compiled).toBeInstanceOf(CompiledSchema);
  return inspected.compiled.check(value, 0).kind === "valid";
}

async function refusal(schema: JsonSchema, options: BundleOptions = {}): Promise<string> {
  const error = await bundleSchema(schema, options).then(
    () => undefined,
    (reason: ToolgateError) => reason,
  );
  expect(error?.reason).toBe("INVALID_SCHEMA");
  return error?.message ?? "";
}

const ADDRESS = {
  $id: "https://example.com/address",
  type: "object",
  properties: { street: { $ref: "#/$defs/name" }, country: { $ref: "country.json" } },
  $defs: { name: { type: "string", minLength: 1 }, unused: { type: "null" } },
} satisfies JsonSchema;
const COUNTRY = { enum: ["CH", "NO"] } satisfies JsonSchema;

describe("a schema without references out of it", () => {
  test.each<[JsonSchema]>([
    [true],
    [{ type: "string" }],
    [{ $defs: { a: { $ref: "#" } }, properties: { a: { $ref: "#/$defs/a" } } }],
    [{ $id: "https://example.com/a", $defs: { b: { $id: "b", type: "string" } }, $ref: "b" }],
    [{ properties: { $ref: { type: "string" } }, default: { $ref: "x.json" }, "x-more": { $ref: "y.json" } }],
  ])("is left as it is: %j", async (schema) => {
    expect(await bundleSchema(schema)).toBe(schema);
  });
});

describe("references out of a schema", () => {
  test("are refused where nothing is given, with what to do", async () => {
    expect(await refusal({ properties: { a: { $ref: "https://example.com/address#/$defs/name" } } })).toBe(
      'The schema cannot be bundled: no document has the address https://example.com/address; give it in "documents", or by "resolve".',
    );
    expect(await refusal({ $ref: "a/b.json" })).toContain("the address a/b.json;");
  });

  test("become definitions, with what they need and nothing more", async () => {
    const schema = {
      $defs: { address: { type: "null" } },
      properties: { home: { $ref: "https://example.com/address" } },
    };
    const documents = { "https://example.com/address": ADDRESS, "https://example.com/country.json": COUNTRY };
    expect(await bundleSchema(schema, { documents })).toEqual({
      properties: { home: { $ref: "#/$defs/address_2" } },
      $defs: {
        address: { type: "null" },
        address_2: {
          type: "object",
          properties: { street: { $ref: "#/$defs/address_name" }, country: { $ref: "#/$defs/country" } },
          $defs: { name: { type: "string", minLength: 1 }, unused: { type: "null" } },
        },
        address_name: { type: "string", minLength: 1 },
        country: { enum: ["CH", "NO"] },
      },
    });
    expect(schema).toEqual({
      $defs: { address: { type: "null" } },
      properties: { home: { $ref: "https://example.com/address" } },
    });
    expect(await accepts(schema, { documents }, { home: { street: "a", country: "CH" } })).toBe(true);
    expect(await accepts(schema, { documents }, { home: { street: "", country: "CH" } })).toBe(false);
    expect(await accepts(schema, { documents }, { home: { country: "DE" } })).toBe(false);
  });

  test("are found by a document's $id, relative to the schema's own, and relative to each other", async () => {
    const schema = { $id: "https://example.com/order", properties: { to: { $ref: "/address" } } };
    const documents = { one: ADDRESS, "https://example.com/country.json": COUNTRY };
    expect(await accepts(schema, { documents }, { to: { country: "DE" } })).toBe(false);
    const files = {
      "parts/a.json": { items: { $ref: "b.json#/$defs/x" } },
      "parts/b.json": { $defs: { x: { type: "string" } } },
    };
    expect(await accepts({ $ref: "parts/a.json" }, { documents: files }, [1])).toBe(false);
    expect(await accepts({ $ref: "a.json" }, { documents: files, baseUri: "parts/root.json" }, [1])).toBe(false);
  });

  test("may lead round in a circle, also back to the schema itself", async () => {
    const documents = {
      "https://example.com/tree": { type: "object", properties: { next: { $ref: "#" }, root: { $ref: "root" } } },
    };
    const schema = {
      $id: "https://example.com/root",
      type: ["object", "array"],
      items: { $ref: "tree" },
      required: ["a"],
    };
    const options = { documents };
    expect(await accepts(schema, options, [{ next: { next: {} } }])).toBe(true);
    expect(await accepts(schema, options, [{ next: { next: 1 } }])).toBe(false);
    expect(await accepts(schema, options, [{ next: { root: {} } }])).toBe(false);
    expect(await accepts(schema, options, [{ next: { root: { a: 1 } } }])).toBe(true);
  });

  test("may lead to a boolean, an anchor, a part with an identifier, and odd names", async () => {
    const documents = {
      d: {
        $defs: {
          no: false,
          "a/b~c %": { type: "string" },
          anchored: { $anchor: "here", type: "null" },
          part: { $id: "https://example.com/part", $defs: { x: { type: "number" } }, items: { $ref: "#/$defs/x" } },
        },
      },
    } satisfies Record<string, JsonSchema>;
    expect(await accepts({ $ref: "d#/$defs/no" }, { documents }, 1)).toBe(false);
    expect(await accepts({ $ref: "d#/$defs/a~1b~0c%20%25" }, { documents }, 1)).toBe(false);
    expect(await accepts({ $ref: "d#here" }, { documents }, 1)).toBe(false);
    expect(await accepts({ anyOf: [{ $ref: "d#/$defs/part" }] }, { documents }, ["a"])).toBe(false);
    expect(await accepts({ allOf: [{ $ref: "d" }, { $ref: "https://example.com/part" }] }, { documents }, ["a"])).toBe(
      false,
    );
  });

  test("in a part that has an identifier count from that", async () => {
    const schema = {
      $id: "https://example.com/a/root",
      properties: {
        x: {
          $id: "https://example.com/b/part",
          items: { $ref: "other" },
          contains: { $ref: "#/$defs/y" },
          $defs: { y: { const: 1 } },
        },
      },
    };
    const documents = { "https://example.com/b/other": { type: "number" } };
    expect(await accepts(schema, { documents }, { x: [1, 2] })).toBe(true);
    expect(await accepts(schema, { documents }, { x: [2] })).toBe(false);
    expect(await accepts(schema, { documents }, { x: [1, "a"] })).toBe(false);
  });

  test("beside references to such a part lead there still", async () => {
    const schema = {
      properties: { x: { $ref: "https://example.com/b/" }, y: { $ref: "#/$defs/part" } },
      $defs: { part: { $id: "https://example.com/b/", items: { $ref: "other" } } },
    };
    const documents = { "https://example.com/b/other": { type: "number" } };
    expect(await accepts(schema, { documents }, { x: [1], y: [2] })).toBe(true);
    expect(await accepts(schema, { documents }, { x: ["a"] })).toBe(false);
    expect(await accepts(schema, { documents }, { y: ["a"] })).toBe(false);
  });

  test("in draft-04 go by id, and into definitions", async () => {
    const $schema = "http://json-schema.org/draft-04/schema#";
    const schema = { $schema, id: "http://example.com/a", properties: { id: { $ref: "b#n" } } };
    const documents = {
      "http://example.com/b": { $schema, definitions: { n: { id: "#n", maximum: 3, exclusiveMaximum: true } } },
    };
    const bundled = await bundleSchema(schema, { documents });
    expect(bundled).toMatchObject({
      properties: { id: { $ref: "#/definitions/b_n" } },
      definitions: { b_n: { maximum: 3 } },
    });
    expect(await accepts(schema, { documents }, { id: 3 })).toBe(false);
  });

  test("are asked for one by one, by the resolver that was given", async () => {
    const asked: string[] = [];
    const resolve = async (uri: string): Promise<JsonSchema | undefined> => {
      asked.push(uri);
      return uri.endsWith("address") ? ADDRESS : COUNTRY;
    };
    const schema = { items: [{}].map(() => ({ $ref: "https://example.com/address" }))[0] ?? {} };
    expect(await accepts(schema, { resolve }, [{ country: "DE" }])).toBe(false);
    expect(asked).toEqual(["https://example.com/address", "https://example.com/country.json"]);
  });
});

describe("what cannot be bundled is refused, with the reason", () => {
  test.each<[JsonSchema, BundleOptions, string]>([
    [
      { $ref: "d" },
      { documents: { d: { $schema: "http://json-schema.org/draft-07/schema#" } } },
      "the document d is of draft-07, and the schema that refers to it of 2020-12; bring both to one",
    ],
    [{ $ref: "d#/x" }, { documents: { d: {} } }, "d#/x leads to a place that is not in d"],
    [{ $ref: "d#nowhere" }, { documents: { d: {} } }, "d#nowhere leads to a place that is not in d"],
    [
      { $ref: "d" },
      { documents: { d: { $dynamicAnchor: "x" } } },
      "the document d has dynamic references, whose meaning a bundle would change",
    ],
    [{ $ref: "d#/default" }, { documents: { d: { default: {} } } }, "a reference leads into data"],
    [{ $ref: "http://[" }, {}, "http://[ is no reference that can be followed from the schema"],
    [
      { $ref: "d0" },
      { resolve: (uri) => ({ $ref: `d${Number(uri.slice(1)) + 1}` }) },
      "it leads to more than 256 documents",
    ],
  ])("%j", async (schema, options, why) => {
    expect(await refusal(schema, options)).toBe(`The schema cannot be bundled: ${why}.`);
  });
});
