import { tokensOf } from "./tokens.js";

/**
 * Writes a JSON text again with other white space and nothing else changed: on one line without any or, with `indent`,
 * a line for each member and item, indented by that number of spaces for each level.
 *
 * @param json known to be one JSON value.
 */
export function printJson(json: string, indent = 0): string {
  const pieces: string[] = [];
  const pretty = indent > 0;
  let depth = 0;
  /** The container that was opened last has nothing in it yet. */
  let empty = false;
  const newLine = (): void => {
    if (pretty) pieces.push("\n", " ".repeat(indent * depth));
  };
  for (const { kind, text } of tokensOf(json)) {
    if (kind === "close") {
      depth -= 1;
      if (!empty) newLine();
    } else if (empty) newLine();
    empty = kind === "open";
    if (empty) depth += 1;
    pieces.push(kind === "colon" && pretty ? ": " : text);
    if (kind === "comma") newLine();
  }
  return pieces.join("");
}
