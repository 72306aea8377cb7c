import type { RegExpEngine } from "ajv/dist/types/index.js";
import { RE2JS } from "re2js";
import { translatePattern, UNKNOWN_PROPERTY } from "./ecma-pattern.js";

/** A pattern that is matched in time linear in the text, or why there is none. */
export type LinearPattern =
  | { readonly kind: "ok"; readonly instructions: number; test(text: string): boolean }
  | { readonly kind: "refused"; readonly reason: string };

/** The longest pattern, in UTF-16 code units. */
export const MAX_PATTERN_LENGTH = 2_048;

/**
 * Compiles a pattern of a schema with RE2's algorithm. JavaScript's own engine backtracks: `^(a+)+$` on 28 characters
 * takes it seconds. What RE2 cannot do in linear time, look-around and back references, it refuses (see patterns.ts).
 *
 * Patterns are written as ECMA-262 has them, and are translated. Of Unicode properties, categories and scripts are known.
 */
export function linearPattern(pattern: string): LinearPattern {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return { kind: "refused", reason: `must be a pattern of at most ${MAX_PATTERN_LENGTH} characters` };
  }
  const translated = translatePattern(pattern);
  if (translated.kind === "refused") return refused(translated.reason === "" ? remedy(pattern) : translated.reason);
  try {
    const compiled = RE2JS.compile(translated.re2);
    return { kind: "ok", instructions: compiled.programSize(), test: (text) => compiled.test(text) };
  } catch {
    return refused(remedy(pattern));
  }
}

function refused(how: string): LinearPattern {
  return { kind: "refused", reason: `must be a pattern that is matched in linear time (RE2)${how}` };
}

function remedy(pattern: string): string {
  if (/\(\?<?[=!]/.test(pattern)) return ", without look-ahead or look-behind";
  if (/\\[1-9k]/.test(pattern)) return ", without back references";
  if (/\\p\{/i.test(pattern)) return UNKNOWN_PROPERTY;
  if (/\{[0-9]+(,[0-9]*)?\}/.test(pattern)) return ", with counted repetitions of at most 1,000 together";
  return "";
}

/** The engine for the code of a schema that validates on an event loop. */
export const linearRegExp: RegExpEngine = Object.assign(
  (pattern: string, flags: string) => {
    const compiled = linearPattern(pattern);
    if (compiled.kind === "refused") throw new TypeError(`pattern ${compiled.reason}`);
    // Ajv keeps patterns apart by their text: without a toString of its own, all patterns of a schema would be the first.
    return { test: (text: string) => compiled.test(text), toString: () => `/${pattern}/${flags}` };
  },
  { code: "linearRegExp" },
);
