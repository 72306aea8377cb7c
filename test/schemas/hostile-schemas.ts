import type { JsonSchema } from "../../src/contract/contract.js";
import type { Json } from "../../src/json/json.js";

/** References that double with each level: a few kilobytes that ask for 2^levels judgements of one small value. */
export function doubledReferences(levels: number): JsonSchema {
  const $defs: Record<string, JsonSchema> = { [`a${levels}`]: { type: "string" } };
  for (let level = 0; level < levels; level++) {
    const next = { $ref: `#/$defs/a${level + 1}` };
    $defs[`a${level}`] = { anyOf: [next, next] };
  }
  return { $defs, $ref: "#/$defs/a0" };
}

/** The same through nesting: doubles with each level of the value, so the schema alone looks harmless. */
export const DOUBLES_WITH_DEPTH: JsonSchema = {
  $defs: {
    node: {
      anyOf: [{ properties: { n: { $ref: "#/$defs/node" } } }, { properties: { n: { $ref: "#/$defs/node" } } }],
      required: ["no"],
    },
  },
  $ref: "#/$defs/node",
};

/** A value for it. */
export function nested(depth: number): Json {
  return depth === 0 ? {} : { n: nested(depth - 1) };
}

/** An object schema with many properties. */
export function wideSchema(properties: number): JsonSchema {
  return {
    type: "object",
    properties: Object.fromEntries(
      Array.from({ length: properties }, (_, index) => [`p${index}`, { type: "string", minLength: 1 }]),
    ),
  };
}

/** As much code as a schema may compile to: Ajv takes more than a second for it. */
export const SLOW_TO_COMPILE: JsonSchema = {
  properties: Object.fromEntries(
    Array.from({ length: 1_990 }, (_, index) => [
      `p${index}`,
      {
        type: ["string", "number"],
        minLength: 1,
        maxLength: 9,
        minimum: 1,
        maximum: 9,
        exclusiveMinimum: 0,
      },
    ]),
  ),
};
