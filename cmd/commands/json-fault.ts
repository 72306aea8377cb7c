/** Where a text stops being JSON. Lines and columns count from 1, columns in characters. */
export interface JsonFault {
  readonly line: number;
  readonly column: number;
  readonly expected: string;
  readonly found: string;
}

/** White space, then a token; which group matched says what it is. */
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in strings
  /[ \t\r\n]*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)(?![A-Za-z0-9_.]))/y;

/** What may come next. */
type Expectation = "value" | "value or ]" | "name or }" | "name" | ":" | ", or }" | ", or ]" | "the end";

const WORDS = {
  value: "a value",
  "value or ]": 'a value or "]"',
  "name or }": 'a name in double quotes or "}"',
  name: "a name in double quotes",
  ":": '":"',
  ", or }": '"," or "}"',
  ", or ]": '"," or "]"',
  "the end": "nothing more",
} as const satisfies Record<Expectation, string>;

/**
 * The first fault of a text that should be one JSON value; undefined when there is none. JSON.parse finds it too, but Node's
 * versions differ in whether they say where.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch {
    return locateFault(text);
  }
}

function locateFault(text: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  let next: Expectation = "value";
  let at = 0;
  const afterValue = (): Expectation => {
    const around = open.at(-1);
    return around === undefined ? "the end" : around === "{" ? ", or }" : ", or ]";
  };
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null) {
      const rest = /[^ \t\r\n]/g;
      rest.lastIndex = at;
      const fault = rest.exec(text)?.index ?? text.length;
      return fault === text.length && next === "the end" ? undefined : faultAt(text, fault, WORDS[next]);
    }
    const [whole, sign, string] = match;
    const token = at + whole.length - whole.trimStart().length;
    const fault = (): JsonFault => faultAt(text, token, WORDS[next]);
    const takesValue = next === "value" || next === "value or ]";
    if (sign === undefined) {
      if (takesValue) next = afterValue();
      else if (string !== undefined && (next === "name" || next === "name or }")) next = ":";
      else return fault();
    } else if (sign === "{" || sign === "[") {
      if (!takesValue) return fault();
      open.push(sign);
      next = sign === "{" ? "name or }" : "value or ]";
    } else if (sign === "}" || sign === "]") {
      if (!next.endsWith(`or ${sign}`)) return fault();
      open.pop();
      next = afterValue();
    } else if (sign === ":" && next === ":") next = "value";
    else if (sign === "," && next === ", or }") next = "name";
    else if (sign === "," && next === ", or ]") next = "value";
    else return fault();
    at = TOKEN.lastIndex;
  }
}

function faultAt(text: string, offset: number, expected: string): JsonFault {
  const before = text.slice(0, offset).split("\n");
  const column = [...(before.at(-1) ?? "")].length + 1;
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0);
  const found =
    offset >= text.length
      ? "the end"
      : character === '"'
        ? "a string that is malformed or out of place"
        : JSON.stringify(character);
  return { line: before.length, column, expected, found };
}
