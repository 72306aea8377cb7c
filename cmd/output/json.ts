/**
 * A value as JSON on one line, safe to show: the characters that terminals take for commands are escaped, also those that JSON
 * would let pass.
 */
export function jsonLine(value: unknown): string {
  return escaped(JSON.stringify(value) ?? "null");
}

/** The same over several lines, for people. */
export function jsonText(value: unknown): string {
  return escaped(JSON.stringify(value, null, 2) ?? "null");
}

function escaped(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
