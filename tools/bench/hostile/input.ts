/** What is asked of a hostile tool, and what may be answered. */
export interface HostileCall {
  /** JSON, or what pretends to be. */
  readonly payload: () => string | Uint8Array;
  /** What is true of it; `either` where the draft leaves it open, or where it is not what is tried. */
  readonly truth: Truth;
  /** How often it is sent at once; once unless said. */
  readonly times?: number;
  /** The tool; the first one unless said. */
  readonly tool?: string;
}

export type Truth = "valid" | "invalid" | "malformed" | "either";

export interface HostileTool {
  readonly name: string;
  /** JSON of its schema, or what pretends to be. */
  readonly payload: string;
  readonly result?: string;
}

/** A contract that is meant to do harm by its registration or by calls of its tools. */
export interface HostileInput {
  readonly name: string;
  readonly tools: () => readonly HostileTool[];
  readonly description?: () => string;
  readonly assertFormats?: boolean;
  /** Whether it may be registered; `either` where a limit of the node decides. */
  readonly registers: "yes" | "no" | "either";
  /** How often it is registered at once, under names of their own; once unless said. */
  readonly registrations?: number;
  readonly calls: readonly HostileCall[];
}

/** A result that is meant to do harm: what a tool of a hostile provider answers, and its result schema. */
export interface HostileResult {
  /** The tool. */
  readonly name: string;
  readonly schema: string;
  readonly result: () => string;
  readonly truth: Exclude<Truth, "malformed">;
  /** How many calls ask for it at once. */
  readonly times: number;
}

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** `p0`, `p1` and so on. */
export function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `p${index}`);
}

export function list<Item>(length: number, item: Item): Item[] {
  return Array.from({ length }, () => item);
}

/** An object with a member for each name. */
export function members(keys: readonly string[], value: (key: string, index: number) => Json): { [key: string]: Json } {
  return Object.fromEntries(keys.map((key, index) => [key, value(key, index)]));
}

/** Objects in objects, under the name `n`. */
export function nested(depth: number): Json {
  return depth === 0 ? {} : { n: nested(depth - 1) };
}

/** An input with one tool. */
export function schemaInput(
  name: string,
  registers: HostileInput["registers"],
  schema: Json | (() => Json),
  calls: readonly HostileCall[],
  more: Partial<HostileInput> = {},
): HostileInput {
  const payload = (): string => JSON.stringify(typeof schema === "function" ? schema() : schema);
  return { name, registers, calls, tools: () => [{ name: "tool", payload: payload() }], ...more };
}

/** The same where the schema's text is not what a serializer would write. */
export function textInput(
  name: string,
  registers: HostileInput["registers"],
  payload: string,
  calls: readonly HostileCall[] = [],
): HostileInput {
  return { name, registers, calls, tools: () => [{ name: "tool", payload }] };
}

/** A call with a value. */
export function call(truth: Truth, value: Json | (() => Json), times = 1): HostileCall {
  return { truth, times, payload: () => JSON.stringify(typeof value === "function" ? value() : value) };
}

/** A call with bytes that need not be JSON. */
export function rawCall(truth: Truth, payload: () => string | Uint8Array): HostileCall {
  return { truth, payload };
}
