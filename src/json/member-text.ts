import { tokensOf } from "./tokens.js";

/**
 * A member of an object as it is written; undefined when the object has none of that name.
 *
 * @param json known to be one JSON object.
 * @param name without characters that JSON escapes.
 */
export function memberText(json: string, name: string): string | undefined {
  const key = JSON.stringify(name);
  let depth = 0;
  let from: number | undefined;
  for (const { kind, text, start } of tokensOf(json)) {
    if (kind === "close") depth -= 1;
    if (from !== undefined && (depth === 0 || (depth === 1 && kind === "comma"))) return json.slice(from, start).trim();
    if (depth === 1 && kind === "key" && text === key) from = start + text.length;
    else if (depth === 1 && kind === "colon" && from !== undefined) from = start + 1;
    if (kind === "open") depth += 1;
  }
  return undefined;
}
