import { unicodeProperty } from "./unicode-properties.js";

/** A pattern in RE2's syntax, or why there is none. */
export type TranslatedPattern =
  | { readonly kind: "ok"; readonly re2: string }
  | { readonly kind: "refused"; readonly reason: string };

/** ECMA-262's WhiteSpace and LineTerminator, and all else; RE2's own \s is ASCII only, without the vertical tab. */
const SPACES = String.raw`\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NOT_SPACES = String.raw`\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;
/** What `.` matches: all but the line terminators, of which RE2 knows the line feed only. */
const NOT_LINE_END = String.raw`[^\x{a}\x{d}\x{2028}\x{2029}]`;
const ANYTHING = String.raw`[\x{0}-\x{10ffff}]`;
const NOTHING = String.raw`[^\x{0}-\x{10ffff}]`;

const CONTROL_ESCAPES: ReadonlyMap<string, number> = new Map([
  ["t", 0x09],
  ["n", 0x0a],
  ["v", 0x0b],
  ["f", 0x0c],
  ["r", 0x0d],
]);

/** What to write where a property is not known. */
export const UNKNOWN_PROPERTY =
  ", with Unicode properties that are categories or scripts, such as \\p{L} or \\p{Script=Greek}";

/** Inline flags, which other engines have: RE2 understands them, and ECMA-262 gives them no other meaning. */
const FLAGS = /^\(\?[imsU-]+[:)]/;
const NAMED_GROUP = /^\(\?P?<([\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*)>/u;
/** The longest piece that is looked at for a group's beginning or a property, so that this stays linear in the pattern. */
const LONGEST_PIECE = 128;

/**
 * Writes a pattern of ECMA-262 with the flag `u`, as JSON Schema has them, in RE2's syntax, so that it means the same there: what
 * `\s`, `.`, `[]`, `[^]`, `[[]`, `\u{1f600}` and `\p{Letter}` match differs or is not known. Groups capture nothing, since only
 * whether a text matches is asked. In one pass.
 *
 * As without that flag, characters that are no letters may be escaped without need, since many schemas do.
 */
export function translatePattern(pattern: string): TranslatedPattern {
  try {
    return { kind: "ok", re2: new Translator(pattern).translate() };
  } catch (error) {
    if (error instanceof NotTranslated) return { kind: "refused", reason: error.message };
    throw error;
  }
}

class NotTranslated extends Error {}

/** A character, or a set of them as it stands within a class. */
type Escape = { readonly kind: "character"; readonly code: number } | { readonly kind: "set"; readonly re2: string };

class Translator {
  readonly #pattern: string;
  readonly #out: string[] = [];
  #at = 0;
  /** A dot matches line ends, too: an inline flag says so. */
  #isDotAll = false;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  translate(): string {
    while (this.#at < this.#pattern.length) {
      switch (this.#pattern[this.#at]) {
        case "\\":
          this.#escape();
          break;
        case "[":
          this.#class();
          break;
        case "(":
          this.#group();
          break;
        case ".":
          this.#out.push(this.#isDotAll ? ANYTHING : NOT_LINE_END);
          this.#at++;
          break;
        // Where it begins no repetition, RE2 takes it for itself, as ECMA-262 without the flag does.
        case "{":
        case "^":
        case "$":
        case "|":
        case "*":
        case "+":
        case "?":
        case ")":
          this.#out.push(this.#pattern[this.#at] ?? "");
          this.#at++;
          break;
        default:
          this.#out.push(this.#isInRepetition() ? (this.#pattern[this.#at++] ?? "") : literal(this.#character()));
      }
    }
    return this.#out.join("");
  }

  /** Numbers, commas and closing braces are written as they are: they may belong to a repetition. */
  #isInRepetition(): boolean {
    return /[0-9,}]/.test(this.#pattern[this.#at] ?? "");
  }

  /** The character here, whole; half of one stands for itself. */
  #character(): number {
    const code = this.#pattern.codePointAt(this.#at) ?? 0;
    this.#at += code > 0xffff ? 2 : 1;
    return code;
  }

  #group(): void {
    const piece = this.#pattern.slice(this.#at, this.#at + LONGEST_PIECE);
    if (!piece.startsWith("(?")) {
      this.#out.push("(?:");
      this.#at++;
      return;
    }
    const flags = FLAGS.exec(piece)?.[0];
    const named = NAMED_GROUP.exec(piece)?.[0];
    if (piece.startsWith("(?:")) this.#at += 3;
    else if (flags !== undefined) {
      if (/^\(\?[imU]*s/.test(flags)) this.#isDotAll = true;
      this.#at += flags.length;
      this.#out.push(flags);
      return;
    } else if (named !== undefined) this.#at += named.length;
    else throw new NotTranslated("");
    this.#out.push("(?:");
  }

  #escape(): void {
    const next = this.#pattern[this.#at + 1];
    if (next === "b" || next === "B") {
      this.#out.push(`\\${next}`);
      this.#at += 2;
      return;
    }
    const read = this.#escaped();
    this.#out.push(read.kind === "character" ? literal(read.code) : `[${read.re2}]`);
  }

  /** Reads an escape, of which a class and what is outside of it have the same. */
  #escaped(): Escape {
    const start = this.#at;
    this.#at += 2;
    const letter = this.#pattern[start + 1];
    switch (letter) {
      case "d":
        return { kind: "set", re2: "0-9" };
      case "D":
        return { kind: "set", re2: String.raw`\x{0}-\x{2f}\x{3a}-\x{10ffff}` };
      case "w":
        return { kind: "set", re2: "0-9A-Z_a-z" };
      case "W":
        return { kind: "set", re2: String.raw`\x{0}-\x{2f}\x{3a}-\x{40}\x{5b}-\x{5e}\x{60}\x{7b}-\x{10ffff}` };
      case "s":
        return { kind: "set", re2: SPACES };
      case "S":
        return { kind: "set", re2: NOT_SPACES };
      case "p":
      case "P":
        return { kind: "set", re2: this.#property(letter) };
      case "x":
        return { kind: "character", code: this.#hexadecimal(2) };
      case "u":
        return { kind: "character", code: this.#unicode() };
      case "c": {
        const control = this.#pattern[this.#at] ?? "";
        if (!/[a-z]/i.test(control)) break;
        this.#at++;
        return { kind: "character", code: control.charCodeAt(0) % 32 };
      }
      case "0":
        if (/[0-9]/.test(this.#pattern[this.#at] ?? "")) break;
        return { kind: "character", code: 0 };
      default: {
        const control = CONTROL_ESCAPES.get(letter ?? "");
        if (control !== undefined) return { kind: "character", code: control };
        if (letter === undefined || /[a-z0-9]/i.test(letter)) break;
        this.#at = start + 1;
        return { kind: "character", code: this.#character() };
      }
    }
    throw new NotTranslated(
      /[1-9k]/.test(letter ?? "") ? "" : `, without \\${letter ?? ""}, which ECMA-262 does not have`,
    );
  }

  #property(letter: "p" | "P"): string {
    const piece = this.#pattern.slice(this.#at, this.#at + LONGEST_PIECE);
    const named = /^\{([A-Za-z_]+(?:=[A-Za-z0-9_]+)?)\}/.exec(piece);
    if (named === null) throw new NotTranslated(UNKNOWN_PROPERTY);
    this.#at += named[0].length;
    return `\\${letter}{${unicodeProperty(named[1] ?? "")}}`;
  }

  #unicode(): number {
    const braced = /^\{0*([0-9a-f]{1,6})\}/i.exec(this.#pattern.slice(this.#at, this.#at + LONGEST_PIECE));
    if (braced !== null) {
      const code = Number.parseInt(braced[1] ?? "", 16);
      if (code > 0x10ffff) throw new NotTranslated(", with characters of Unicode only");
      this.#at += braced[0].length;
      return code;
    }
    const high = this.#hexadecimal(4);
    const low = /^\\u(d[c-f][0-9a-f]{2})/i.exec(this.#pattern.slice(this.#at, this.#at + 6))?.[1];
    if (high < 0xd800 || high > 0xdbff || low === undefined) return high;
    this.#at += 6;
    return (high - 0xd800) * 0x400 + Number.parseInt(low, 16) - 0xdc00 + 0x10000;
  }

  #hexadecimal(digits: number): number {
    const text = this.#pattern.slice(this.#at, this.#at + digits);
    if (text.length < digits || /[^0-9a-f]/i.test(text))
      throw new NotTranslated(`, with ${digits} hexadecimal digits after \\${digits === 2 ? "x" : "u"}`);
    this.#at += digits;
    return Number.parseInt(text, 16);
  }

  #class(): void {
    this.#at++;
    const isNegated = this.#pattern[this.#at] === "^";
    if (isNegated) this.#at++;
    if (this.#pattern[this.#at] === "]") {
      this.#at++;
      this.#out.push(isNegated ? ANYTHING : NOTHING);
      return;
    }
    this.#out.push(isNegated ? "[^" : "[");
    while (this.#at < this.#pattern.length && this.#pattern[this.#at] !== "]") {
      const from = this.#classAtom();
      if (from.kind === "set") {
        this.#out.push(from.re2);
        continue;
      }
      this.#out.push(literal(from.code));
      if (this.#pattern[this.#at] !== "-" || (this.#pattern[this.#at + 1] ?? "]") === "]") continue;
      this.#at++;
      const to = this.#classAtom();
      // Beside a set a hyphen is one, as ECMA-262 has it without the flag.
      this.#out.push(to.kind === "set" ? `\\-${to.re2}` : `-${literal(to.code)}`);
    }
    if (this.#at >= this.#pattern.length) throw new NotTranslated(", with ] after each [");
    this.#at++;
    this.#out.push("]");
  }

  #classAtom(): Escape {
    if (this.#pattern[this.#at] !== "\\") return { kind: "character", code: this.#character() };
    if (this.#pattern[this.#at + 1] !== "b") return this.#escaped();
    this.#at += 2;
    return { kind: "character", code: 0x08 };
  }
}

/** A character that stands for itself, in a class and outside. */
function literal(code: number): string {
  const isPlain = (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  return isPlain ? String.fromCodePoint(code) : `\\x{${code.toString(16)}}`;
}
