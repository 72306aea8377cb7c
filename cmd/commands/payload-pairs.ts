import type { Json, JsonSchema } from "../../src/index.js";
import { UsageError } from "../output/failure.js";

/**
 * Payloads from pairs:
 *
 *     key=text       a text; where the tool's schema wants another type there, that one, as it is written
 *     key:=json      any JSON, as it is written
 *     key=@file      the content of a file as text
 *     key:=@file     the content of a file as JSON
 *
 * Dots in a key lead into objects (`a.b=1` is `{"a":{"b":1}}`), but for a property that has the dots in its own name, and
 * where a backslash stands before them. A key that comes again adds to a list, where the schema wants one.
 */

/** One pair: where its value goes, and what it is. */
export interface Pair {
  /** As it was given, for messages. */
  readonly key: string;
  readonly value: { readonly kind: "text"; readonly text: string } | { readonly kind: "json"; readonly json: string };
}

/** The JSON text of an object from pairs. @throws UsageError where two of them do not go together, or a type does not fit */
export function payloadOf(pairs: readonly Pair[], schema: JsonSchema): string {
  const root: Branch = { kind: "object", members: new Map() };
  for (const [key, given] of groups(pairs)) put(root, key, pathOf(key, schema), schema, given);
  return write(root);
}

type Node = Branch | { readonly kind: "leaf"; readonly json: string };
interface Branch {
  readonly kind: "object";
  readonly members: Map<string, Node>;
}

/** Pairs by their keys, in the order of those. */
function groups(pairs: readonly Pair[]): Map<string, Pair[]> {
  const grouped = new Map<string, Pair[]>();
  for (const pair of pairs) {
    const group = grouped.get(pair.key);
    if (group === undefined) grouped.set(pair.key, [pair]);
    else group.push(pair);
  }
  return grouped;
}

function put(root: Branch, key: string, path: readonly string[], schema: JsonSchema, given: readonly Pair[]): void {
  let around = root;
  let wanted: Json = schema;
  for (const [depth, name] of path.entries()) {
    wanted = propertyOf(wanted, name, schema);
    const there = around.members.get(name);
    if (depth === path.length - 1) {
      if (there !== undefined) throw clash(key);
      around.members.set(name, { kind: "leaf", json: memberOf(key, given, wanted, schema) });
      return;
    }
    if (there?.kind === "leaf") throw clash(key);
    const inner: Branch = there ?? { kind: "object", members: new Map() };
    around.members.set(name, inner);
    around = inner;
  }
}

function clash(key: string): UsageError {
  return new UsageError(`${key} is given twice: as a value, and as an object with members.`, "Leave one of them out.");
}

/** Dots lead into objects, unless the property itself has them in its name. */
function pathOf(key: string, schema: JsonSchema): readonly string[] {
  const name = key.replace(/\\\./g, ".");
  if (propertyOf(schema, name, schema) !== true) return [name];
  const path = key.split(/(?<!\\)\./).map((part) => part.replace(/\\\./g, "."));
  if (path.length <= MAX_JSON_DEPTH) return path;
  throw new UsageError(
    `A key leads through ${path.length - 1} objects; a payload is at most ${MAX_JSON_DEPTH} levels deep.`,
    "Where the dots belong to the key's name, put a backslash before each; nothing was called.",
  );
}

function write(node: Node): string {
  if (node.kind === "leaf") return node.json;
  return `{${[...node.members].map(([name, member]) => `${JSON.stringify(name)}:${write(member)}`).join(",")}}`;
}

/** The JSON of what was given for one key. */
function memberOf(key: string, given: readonly Pair[], schema: Json, root: JsonSchema): string {
  const wanted = typesOf(schema, root);
  const [only] = given;
  if (only !== undefined && given.length === 1) {
    if (only.value.kind === "json") return only.value.json;
    const converted = textAs(only.value.text, wanted);
    if (converted !== undefined) return converted;
    if (!wanted.types.has("array")) throw misfit(key, only.value.text, wanted);
  }
  if (!wanted.types.has("array")) {
    throw new UsageError(
      `${key} is given ${given.length} times, and the tool takes one value there.`,
      `Give it once, or a list as ${key}:='[…]'; nothing was called.`,
    );
  }
  const items = typesOf(wanted.items, root);
  const members = given.map(({ value }) => {
    if (value.kind === "json") return value.json;
    const converted = textAs(value.text, items);
    if (converted === undefined) throw misfit(key, value.text, items);
    return converted;
  });
  return `[${members.join(",")}]`;
}

function misfit(key: string, text: string, { types }: Wanted): UsageError {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
  return new UsageError(
    `${key}: the tool takes ${[...types].join(" or ")} there, and ${JSON.stringify(shown)} is none.`,
    `Correct it, or write the JSON that is meant, as in ${key}:='…'; nothing was called.`,
  );
}

/** A text as JSON of one of the wanted types; undefined when it is of none. What is not said to be anything is a text. */
function textAs(text: string, { types, words }: Wanted): string | undefined {
  if (types.size === 0 || types.has("string") || words.has(text)) return JSON.stringify(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const whole = typeof value === "number" && Number.isInteger(value);
  const type = typeName(value);
  // As it is written: a number keeps its digits.
  return types.has(type) || (whole && types.has("integer")) ? text.trim() : undefined;
}

/** The name that JSON Schema has for a value's type; numbers are not told apart. */
function typeName(value: unknown): string {
  return Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
}

/** What a schema takes, as far as that can be said without validating one. */
interface Wanted {
  /** JSON's types; empty where anything may be. */
  readonly types: ReadonlySet<string>;
  /** Texts that it names itself. */
  readonly words: ReadonlySet<string>;
  /** The schema of a list's items. */
  readonly items: Json;
}

/** As deep as a registry takes JSON, in levels. */
const MAX_JSON_DEPTH = 64;

/** References and alternatives are followed so far: schemas may refer to themselves. */
const MAX_DEPTH = 16;

function typesOf(schema: Json, root: JsonSchema): Wanted {
  const types = new Set<string>();
  const words = new Set<string>();
  let items: Json = true;
  let anything = false;
  for (const part of alternatives(schema, root, 0)) {
    const named = "const" in part ? [part.const] : Array.isArray(part.enum) ? part.enum : undefined;
    const declared = typeof part.type === "string" ? [part.type] : Array.isArray(part.type) ? part.type : undefined;
    // A text that is named is one of few: of the other texts nothing is said.
    for (const value of named ?? []) if (typeof value === "string") words.add(value);
    const ofNamed = named?.filter((value) => typeof value !== "string").map(typeName);
    for (const type of declared ?? ofNamed ?? []) types.add(String(type));
    if (declared === undefined && named === undefined) anything = true;
    if (part.items !== undefined) items = part.items;
  }
  return { types: anything ? new Set() : types, words, items };
}

/** The schema itself, or what it is one of. */
function alternatives(schema: Json, root: JsonSchema, depth: number): readonly { readonly [key: string]: Json }[] {
  if (!isObject(schema) || depth > MAX_DEPTH) return [{}];
  const target = referred(schema, root);
  if (target !== undefined) return alternatives(target, root, depth + 1);
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices) && schema.type === undefined)
    return choices.flatMap((choice: Json) => alternatives(choice, root, depth + 1));
  return [schema];
}

/** The schema of a property; `true` where none is said. */
function propertyOf(schema: Json, name: string, root: JsonSchema, depth = 0): Json {
  if (!isObject(schema) || depth > MAX_DEPTH) return true;
  const target = referred(schema, root);
  if (target !== undefined) return propertyOf(target, name, root, depth + 1);
  if (isObject(schema.properties) && Object.hasOwn(schema.properties, name)) return schema.properties[name] ?? true;
  for (const part of [schema.allOf, schema.anyOf, schema.oneOf].flatMap((list) => (Array.isArray(list) ? list : []))) {
    const found = propertyOf(part, name, root, depth + 1);
    if (found !== true) return found;
  }
  return isObject(schema.additionalProperties) ? schema.additionalProperties : true;
}

/** What a local reference refers to, by its JSON pointer. One by an anchor's name is not followed: any text goes there, and the gateway validates. */
function referred(schema: { readonly [key: string]: Json }, root: JsonSchema): Json | undefined {
  const { $ref: reference } = schema;
  if (typeof reference !== "string") return undefined;
  if (reference !== "#" && !reference.startsWith("#/")) return true;
  let at: Json = root;
  for (const part of reference.split("/").slice(1)) {
    const name = decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~");
    if (!isObject(at) || !Object.hasOwn(at, name)) return undefined;
    at = at[name] ?? true;
  }
  return at;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
