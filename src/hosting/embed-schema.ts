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
  const { $schema: _draft, ...rest } = schema;
  const draft = draftOf(schema);
  return move(rest, pointer, draft.kind === "known" ? idKeyword(draft.draft) : "$id");
}

function move(
  schema: { readonly [key: string]: Json },
  pointer: string,
  idKey: "$id" | "id",
): { readonly [key: string]: Json } {
  const id = schema[idKey];
  if (typeof id === "string" && !id.startsWith("#")) return schema;
  return mapValues(schema, (keyword, value) => {
    if (DATA_KEYWORDS.has(keyword)) return value;
    if (REFERENCES.has(keyword) && typeof value === "string") {
      return value === "#" || value.startsWith("#/") ? pointer + value.slice(1) : value;
    }
    if (MAP_KEYWORDS.has(keyword) && isObject(value))
      return mapValues(value, (_name, inner) => moveAny(inner, pointer, idKey));
    return moveAny(value, pointer, idKey);
  });
}

function moveAny(value: Json, pointer: string, idKey: "$id" | "id"): Json {
  if (Array.isArray(value)) return value.map((item: Json) => moveAny(item, pointer, idKey));
  return isObject(value) ? move(value, pointer, idKey) : value;
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
