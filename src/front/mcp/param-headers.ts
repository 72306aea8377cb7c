import type { IncomingHttpHeaders } from "node:http";
import type { JsonSchema } from "../../contract/contract.js";
import type { Json } from "../../json/json.js";
import { parseJson } from "../../json/parse-json.js";
import type { Reply } from "./reply.js";
import { differs, encodeHeader, headerOf, mismatch } from "./revision.js";

/*
 * Arguments that a client repeats in headers, for what stands in between (SEP-2243): a property of the payload schema says so by
 * `x-mcp-header`. Whoever in between has gone by the header must not have seen something else than the tool does.
 */

/** An argument that has a header. */
export interface ParamHeader {
  /** The properties that lead to it. */
  readonly path: readonly string[];
  /** In lower case: `mcp-param-region`. */
  readonly header: string;
}

const KEYWORD = "x-mcp-header";
const PREFIX = "mcp-param-";
/** A token, as names of headers are (https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2). */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
const TYPES: ReadonlySet<unknown> = new Set(["string", "integer", "boolean"]);

/**
 * The arguments of a schema that have headers.
 *
 * @returns none where one of them breaks a rule: clients do not use such a tool at all
 */
export function paramHeadersOf(schema: JsonSchema): readonly ParamHeader[] {
  if (!JSON.stringify(schema).includes(KEYWORD)) return [];
  const found: ParamHeader[] = [];
  const sound = collect(schema, [], found);
  const names = new Set(found.map(({ header }) => header));
  return sound && names.size === found.length ? found : [];
}

function collect(schema: JsonSchema, path: readonly string[], found: ParamHeader[]): boolean {
  if (typeof schema !== "object") return true;
  const name = schema[KEYWORD];
  if (name !== undefined) {
    if (typeof name !== "string" || !TOKEN.test(name) || !TYPES.has(schema.type) || path.length === 0) return false;
    found.push({ path, header: `${PREFIX}${name.toLowerCase()}` });
  }
  const { properties } = schema;
  if (!isObject(properties)) return true;
  return Object.entries(properties).every(([key, inner]) => !isObject(inner) || collect(inner, [...path, key], found));
}

/** The refusal of a call whose headers do not repeat its arguments; nothing where they do. */
export function paramMismatch(
  params: readonly ParamHeader[],
  payload: Buffer,
  headers: IncomingHttpHeaders,
): Reply | undefined {
  if (params.length === 0) return undefined;
  const args = parseJson(payload.toString("utf8"), "number") as Json; // that much was read before
  for (const { path, header } of params) {
    const refusal = compare(header, headerOf(headers, header), valueAt(args, path));
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

/** The headers that repeat a call's arguments. @param payload its arguments, in JSON */
export function paramHeaderValues(params: readonly ParamHeader[], payload: Buffer | undefined): Record<string, string> {
  if (params.length === 0 || payload === undefined) return {};
  const args = parseJson(payload.toString("utf8"), "number") as Json; // that much was read before
  const values = params.map(({ path, header }) => [header, valueAt(args, path)] as const);
  return Object.fromEntries(
    values.flatMap(([header, value]) =>
      value === undefined || value === null || typeof value === "object" ? [] : [[header, encodeHeader(String(value))]],
    ),
  );
}

function compare(header: string, sent: string | undefined, value: Json | undefined): Reply | undefined {
  // What is no such value is the schema's to refuse.
  if (value === undefined || value === null || typeof value === "object")
    return sent === undefined ? undefined : mismatch(header, "says something else than the body");
  if (typeof value === "number" && sent !== undefined && /^-?[0-9]+(\.0*)?$/.test(sent) && Number(sent) === value)
    return undefined;
  return differs(header, sent, String(value));
}

function valueAt(args: Json, path: readonly string[]): Json | undefined {
  let value: Json | undefined = args;
  for (const key of path) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return value;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
