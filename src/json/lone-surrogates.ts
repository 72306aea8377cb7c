import type { Json } from "./json.js";
import { pointerOf, type Step } from "./pointer.js";

/**
 * Halves of UTF-16 pairs that stand alone, as a text has that was cut within an emoji. JSON writes them as escapes ("\ud83d"); UTF-8
 * and the canonical form of RFC 8785 have none for them.
 */
const LONE = /\p{Surrogate}/u;
const EACH_LONE = /\p{Surrogate}/gu;

/** Where the first one is in a value, in a key or a text, as a JSON pointer; undefined where there is none. */
export function loneSurrogate(value: Json): string | undefined {
  const steps = stepsToLone(value);
  return steps === undefined ? undefined : pointerOf(steps);
}

function stepsToLone(value: Json): readonly Step[] | undefined {
  if (typeof value === "string") return LONE.test(value) ? [] : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const inner = LONE.test(key) ? [] : stepsToLone(member);
    if (inner !== undefined) return [key, ...inner];
  }
  return undefined;
}

/** The text with U+FFFD in place of each. */
export function wholeText(text: string): string {
  return text.replace(EACH_LONE, "\ufffd");
}

/** The value with whole texts and keys. It must not nest deeper than a stack is. */
export function wholeJson(value: Json): Json {
  if (typeof value === "string") return wholeText(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(wholeJson);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [wholeText(key), wholeJson(member)]));
}
