import type { RegExpEngine } from "ajv/dist/types/index.js";
import { type LinearPattern, linearPattern, MAX_PATTERN_LENGTH } from "./linear-regexp.js";

/**
 * How a pattern of a schema is matched: in linear time where that can be, else by the language's own engine, which backtracks.
 * What backtracks may take for ever, so its schema validates in a worker only, within that one's budget of work.
 */
export type Pattern = LinearPattern | { readonly kind: "backtracking"; test(text: string): boolean };

/**
 * Reads a pattern. What RE2 does not take is mostly look-around, a reference back to a group, or a large counted repetition; of
 * such a pattern only the syntax is read here, which is linear in it.
 */
export function readPattern(pattern: string): Pattern {
  const linear = linearPattern(pattern);
  if (linear.kind === "ok" || pattern.length > MAX_PATTERN_LENGTH) return linear;
  const compiled = compile(pattern, "u") ?? compile(pattern, "");
  return compiled === undefined
    ? { kind: "refused", reason: "must be a regular expression, as ECMA-262 has them" }
    : { kind: "backtracking", test: (text) => compiled.test(text) };
}

/** With the flag `u`, as JSON Schema has them; many are written without it in mind: `\-` and `\:` are faults there. */
function compile(pattern: string, flags: "u" | ""): RegExp | undefined {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return undefined;
  }
}

/** The engine for Ajv: every `pattern` and `patternProperties` of a schema that passed the policy. */
export const patternEngine: RegExpEngine = Object.assign(
  (pattern: string, flags: string) => {
    const read = readPattern(pattern);
    if (read.kind === "refused") throw new TypeError(`pattern ${read.reason}`);
    // Ajv keeps patterns apart by their text: without a toString of its own, all patterns of a schema would be the first.
    return { test: (text: string) => read.test(text), toString: () => `/${pattern}/${flags}` };
  },
  // Ajv writes this into code that another thread is to run: the event loop's own has the engine of linear time alone.
  { code: "linearRegExp" },
);
