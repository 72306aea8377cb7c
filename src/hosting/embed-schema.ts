import type { JsonSchema } from "../contract/contract.js";
import { draftOf, idKeyword } from "../contract/draft.js";
import { DATA_KEYWORDS, MAP_KEYWORDS } from "../contract/schema-keywords.js";
import type { Json } from "../json/json.js";

const REFERENCES = new Set(["$ref", "$dynamicRef", "$recursiveRef"]);

/**
 * Makes a schema fit to stand inside another one: its references to itself (`#`, `#/$defs/x`) are turned to where it
 * will stand. Below an `$id` of its own, a schema's references are relative to that, and stay.
 *
 * @param pointer where it will stand, as a JSON pointer fragment such as `#/properties/a`
 */
export function embedSchema(schema: JsonSchema, pointer: string): JsonSchema {
  if (typeof schema === "boolean") return schema;
  const moved = mapReferences(schema, (reference) =>
    reference === "#" || reference.startsWith("#/") ? pointer + reference.slice(1) : reference,
  );
  const { $schema: _dialect, ...rest } = moved;
  return rest;
}

/** A schema with other references. Those below an `$id` of its own are relative to that, and stay. */
export function mapReferences(
  schema: { readonly [key: string]: Json },
  change: (reference: string) => string,
): { readonly [key: string]: Json } {
  const draft = draftOf(schema);
  const idKey = draft.kind === "known" ? idKeyword(draft.draft) : "$id";
  return mapSchema(schema);

  function mapSchema(schema: { readonly [key: string]: Json }): { readonly [key: string]: Json } {
    const id = schema[idKey];
    if (typeof id === "string" && !id.startsWith("#")) return schema;
    return mapValues(schema, (keyword, value) => {
      if (DATA_KEYWORDS.has(keyword)) return value;
      if (REFERENCES.has(keyword) && typeof value === "string") return change(value);
      if (MAP_KEYWORDS.has(keyword) && isObject(value)) return mapValues(value, (_name, inner) => mapAny(inner));
      return mapAny(value);
    });
  }

  function mapAny(value: Json): Json {
    if (Array.isArray(value)) return value.map((item: Json) => mapAny(item));
    return isObject(value) ? mapSchema(value) : value;
  }
}

function mapValues(
  object: { readonly [key: string]: Json },
  change: (key: string, value: Json) => Json,
): { readonly [key: string]: Json } {
  // fromEntries defines, so that a key such as __proto__ stays a key, for the policy to refuse.
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(key, value)]));
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
