/** A piece of a JSON text; white space between pieces is left out. */
export interface Token {
  /** `scalar` is a string that is no key, a number, `true`, `false` or `null`. */
  readonly kind: "open" | "close" | "colon" | "comma" | "key" | "scalar";
  /** As it is written. */
  readonly text: string;
  /** Where it begins, in UTF-16 code units. */
  readonly start: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const KINDS: Readonly<Record<string, Token["kind"]>> = {
  "{": "open",
  "[": "open",
  "}": "close",
  "]": "close",
  ":": "colon",
  ",": "comma",
};

/** The pieces of a text that is known to be JSON, in order; in time linear in its length. */
export function* tokensOf(json: string): Generator<Token, void, void> {
  const inObject: boolean[] = [];
  let keyNext = false;
  for (let at = 0; at < json.length; at++) {
    const character = json[at] ?? "";
    if (character <= " ") continue;
    const start = at;
    const sign = KINDS[character];
    if (sign !== undefined) {
      if (sign === "open") inObject.push(character === "{");
      else if (sign === "close") inObject.pop();
      keyNext = (character === "{" || sign === "comma") && inObject.at(-1) === true;
      yield { kind: sign, text: character, start };
      continue;
    }
    at = character === '"' ? closingQuote(json, at) : endOfWord(json, at);
    yield { kind: keyNext ? "key" : "scalar", text: json.slice(start, at + 1), start };
    keyNext = false;
  }
}

/** Where a string ends that begins here. */
function closingQuote(json: string, start: number): number {
  let at = start + 1;
  for (let code = json.charCodeAt(at); at < json.length && code !== QUOTE; code = json.charCodeAt(at)) {
    at += code === BACKSLASH ? 2 : 1;
  }
  return at;
}

/** Where a number or a word ends that begins here. */
function endOfWord(json: string, start: number): number {
  let at = start;
  while (at + 1 < json.length && /[-+.0-9A-Za-z]/.test(json[at + 1] ?? "")) at += 1;
  return at;
}
