import { printJson } from "../../src/json/print-json.js";
import { stringifyJson } from "../../src/json/raw-json.js";

/**
 * A value as JSON on one line, safe to show: the characters that terminals take for commands are escaped, also those that JSON
 * would let pass. Of RawJson in it only the white space changes: its numbers keep all their digits.
 */
export function jsonLine(value: unknown): string {
  return escaped(printJson(stringifyJson(value) ?? "null"));
}

/** The same over several lines, for people. */
export function jsonText(value: unknown): string {
  return escaped(printJson(stringifyJson(value) ?? "null", 2));
}

function escaped(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
