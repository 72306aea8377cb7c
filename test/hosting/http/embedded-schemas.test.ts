import { describe, expect, test } from "vitest";
import { type Direction, EmbeddedSchemas } from "../../../src/hosting/http/embedded-schemas.js";
import { type JsonObject, OpenApiDocument } from "../../../src/hosting/http/openapi-document.js";
import type { Json } from "../../../src/json/json.js";
import { checkSchemaPolicy } from "../../../src/schemas/schema-policy.js";

function embed(schema: Json, schemas: JsonObject = {}, version = "3.1.0", direction: Direction = "request"): Json {
  const document = new OpenApiDocument({ openapi: version, paths: {}, components: { schemas } }, "api.yaml");
  const embedded = new EmbeddedSchemas(document, direction);
  const whole = embedded.whole(embedded.part(schema, undefined) as JsonObject);
  expect(checkSchemaPolicy(whole).kind).toBe("passed");
  return whole as Json;
}

const ref = (name: string): Json => ({ $ref: `#/components/schemas/${name}` });

describe("schemas of a document", () => {
  test("have what they refer to as definitions, once, circles too", () => {
    const node = { type: "object", properties: { next: ref("Node"), other: ref("Leaf"), last: ref("Leaf") } };
    expect(embed(ref("Node"), { Node: node, Leaf: { type: "integer" } })).toEqual({
      $ref: "#/$defs/Node",
      $defs: {
        Node: {
          type: "object",
          properties: {
            next: { $ref: "#/$defs/Node" },
            other: { $ref: "#/$defs/Leaf" },
            last: { $ref: "#/$defs/Leaf" },
          },
        },
        Leaf: { type: "integer" },
      },
    });
  });

  test("may refer to any place of the document, with escapes, and names stay apart", () => {
    const schemas = { "a/b~c": { properties: { inner: { type: "string" } } }, a_b_c: { type: "null" } };
    const schema = { anyOf: [{ $ref: "#/components/schemas/a~1b~0c/properties/inner" }, ref("a~1b~0c"), ref("a_b_c")] };
    expect(embed(schema, schemas)).toEqual({
      anyOf: [{ $ref: "#/$defs/inner" }, { $ref: "#/$defs/a_b_c" }, { $ref: "#/$defs/a_b_c_2" }],
      $defs: { inner: { type: "string" }, a_b_c: schemas["a/b~c"], a_b_c_2: { type: "null" } },
    });
  });

  test("of 3.0 are written in draft 2020-12", () => {
    const schema = {
      type: "object",
      properties: {
        nullable: { type: "string", nullable: true, enum: ["a", "b"] },
        either: { nullable: true, allOf: [ref("Leaf")] },
        above: { type: "number", minimum: 0, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
        shown: { type: "string", example: "x", xml: { name: "y" }, "x-own": 1, discriminator: { propertyName: "z" } },
        reference: { $ref: "#/components/schemas/Leaf", nullable: true, description: "A leaf.", minimum: 5 },
      },
    };
    expect(embed(schema, { Leaf: { type: "integer" } }, "3.0.3")).toEqual({
      type: "object",
      properties: {
        nullable: { type: ["string", "null"], enum: ["a", "b", null] },
        either: { anyOf: [{ allOf: [{ $ref: "#/$defs/Leaf" }] }, { type: "null" }] },
        above: { type: "number", exclusiveMinimum: 0, maximum: 9 },
        shown: { type: "string", examples: ["x"] },
        reference: { $ref: "#/$defs/Leaf", description: "A leaf." },
      },
      $defs: { Leaf: { type: "integer" } },
    });
  });

  test("keep the names of properties that look like keywords, and data that looks like schemas", () => {
    const schema = {
      type: "object",
      properties: { $ref: { type: "string" }, nullable: { type: "boolean" }, example: { type: "string" }, $id: true },
      default: { $ref: "https://example.com/", nullable: true },
      enum: [{ $ref: "#/nowhere" }],
    };
    expect(embed(schema)).toEqual(schema);
  });

  test("demand of requests what may be written, and of responses what may be read", () => {
    const schema = {
      type: "object",
      required: ["id", "name", "password", "made"],
      properties: {
        id: { type: "string", readOnly: true },
        name: {},
        password: { writeOnly: true },
        made: ref("Made"),
      },
    };
    const schemas = { Made: { type: "string", readOnly: true } };
    expect(embed(schema, schemas)).toMatchObject({ required: ["name", "password"] });
    expect(embed(schema, schemas, "3.1.0", "response")).toMatchObject({ required: ["id", "name", "made"] });
  });

  test.each<[string, Json, string]>([
    ["to another document", { $ref: "other.yaml#/x" }, "/a refers to other.yaml#/x, which is another document"],
    ["to a URL", { items: { $ref: "https://evil.example/s.json" } }, "/a/items refers to https://evil.example/s.json"],
    ["to a file", { $ref: "file:///etc/passwd" }, "/a refers to file:///etc/passwd, which is another document"],
    [
      "to what is not there",
      { not: { $ref: "#/nowhere" } },
      "/a/not refers to #/nowhere, which the document does not have",
    ],
    ["to a prototype", { $ref: "#/__proto__/toString" }, "which the document does not have"],
    ["by an anchor", { $ref: "#name" }, "which is no place in the document"],
    [
      "by an identifier",
      { properties: { x: { $id: "https://example.com/" } } },
      "/a/properties/x/$id changes what references mean",
    ],
    ["by a dynamic reference", { $dynamicRef: "#x" }, "/a/$dynamicRef changes what references mean"],
    ["in another draft", { $schema: "http://json-schema.org/draft-07/schema#" }, "/a/$schema names another draft"],
    ["to what is no schema", { $ref: "#/openapi" }, "/openapi is no schema"],
  ])("that refer %s are refused, with the place", (_name, schema, message) => {
    const document = new OpenApiDocument({ openapi: "3.1.0", a: schema }, "api.yaml");
    const schemas = new EmbeddedSchemas(document, "request");
    expect(() => schemas.whole(schemas.part(schema, { step: "a", within: undefined }) as JsonObject)).toThrow(message);
  });

  test("that are too many for one tool are refused, however they come about", () => {
    const many = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) => [`s${index}`, { type: "string" }]));
    expect(() => embed({ properties: many })).toThrow("more than 20000");
    const deep = Array.from({ length: 100 }).reduce<Json>((inner) => ({ items: inner }), {});
    expect(() => embed(deep)).toThrow("nests more than 60 levels");
  });
});
