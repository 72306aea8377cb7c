import type { Json, JsonSchema } from "../../src/index.js";
import { oneLine } from "./text-width.js";

/** One property of an object's schema, in short. */
export interface PropertySummary {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** What a schema expects, in short: the properties of an object, or its type. For people; it leaves things out. */
export interface SchemaSummary {
  readonly type: string;
  readonly properties: readonly PropertySummary[];
}

/** Reads a schema for people. */
export function summarize(schema: JsonSchema): SchemaSummary {
  if (typeof schema === "boolean") return { type: schema ? "any JSON" : "nothing", properties: [] };
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  return {
    type: typeOf(schema, 0),
    properties: properties.map(([name, property]) => ({
      name,
      type: typeOf(property, 0),
      required: required.includes(name),
      description: describe(property),
    })),
  };
}

function typeOf(schema: Json, depth: number): string {
  if (schema === true) return "any";
  if (schema === false) return "nothing";
  if (!isObject(schema) || depth > 3) return "any";
  if ("const" in schema) return shortText(schema.const);
  if (Array.isArray(schema.enum)) return cut(schema.enum.map(shortText).join(" | "));
  for (const keyword of ["anyOf", "oneOf"] as const) {
    const choices = schema[keyword];
    if (Array.isArray(choices)) {
      return cut([...new Set(choices.map((choice: Json) => typeOf(choice, depth + 1)))].join(" | "));
    }
  }
  if (schema.type === "array") return schema.items === undefined ? "array" : `${typeOf(schema.items, depth + 1)}[]`;
  if (isObject(schema.properties) && Object.keys(schema.properties).length > 0)
    return shapeOf(schema, schema.properties);
  if (typeof schema.type === "string") return oneLine(schema.type);
  if (Array.isArray(schema.type)) return cut(schema.type.map((type: Json) => oneLine(String(type))).join(" | "));
  if (typeof schema.$ref === "string") return cut(oneLine(schema.$ref.replace(/^.*\//, "")));
  return "any";
}

function shapeOf(schema: { readonly [key: string]: Json }, properties: { readonly [key: string]: Json }): string {
  const required = Array.isArray(schema.required) ? schema.required : [];
  const names = Object.keys(properties).map((name) => `${oneLine(name)}${required.includes(name) ? "" : "?"}`);
  return cut(`{${names.join(", ")}}`);
}

function describe(schema: Json): string {
  if (!isObject(schema)) return "";
  const text = typeof schema.description === "string" ? schema.description : "";
  const fallback = "default" in schema ? `[${shortText(schema.default)}]` : "";
  return [text, fallback].filter((part) => part !== "").join(" ");
}

function shortText(value: Json | undefined): string {
  return cut(oneLine(JSON.stringify(value) ?? ""));
}

function cut(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
