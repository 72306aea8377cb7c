import type { Json, JsonSchema } from "../contract/contract.js";

/** Keywords whose values are data, not schemas. */
const DATA = new Set(["const", "enum", "default", "examples"]);
/** Keywords that hold a map from names to schemas; the names are no keywords. */
const MAPS = new Set(["properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"]);

/**
 * Makes a schema fit to stand inside another one: its references to itself (`#`, `#/$defs/x`) are turned to where it
 * will stand. Below an `$id` of its own, a schema's references are relative to that, and stay.
 *
 * @param pointer where it will stand, as a JSON pointer fragment such as `#/properties/a`
 */
export function embedSchema(schema: JsonSchema, pointer: string): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const { $schema: _draft, ...rest } = schema;
  return move(rest, pointer);
}

function move(schema: { readonly [key: string]: Json }, pointer: string): { readonly [key: string]: Json } {
  if (typeof schema.$id === "string" && !schema.$id.startsWith("#")) return schema;
  return mapValues(schema, (keyword, value) => {
    if (DATA.has(keyword)) return value;
    if ((keyword === "$ref" || keyword === "$dynamicRef") && typeof value === "string") {
      return value === "#" || value.startsWith("#/") ? pointer + value.slice(1) : value;
    }
    if (MAPS.has(keyword) && isObject(value)) return mapValues(value, (_name, inner) => moveAny(inner, pointer));
    return moveAny(value, pointer);
  });
}

function moveAny(value: Json, pointer: string): Json {
  if (Array.isArray(value)) return value.map((item: Json) => moveAny(item, pointer));
  return isObject(value) ? move(value, pointer) : value;
}

function mapValues(
  object: { readonly [key: string]: Json },
  change: (key: string, value: Json) => Json,
): { readonly [key: string]: Json } {
  // fromEntries defines, so that a key such as __proto__ stays a key, for the gate to refuse.
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
