import { KeyTable } from "./key-table.js";

/** Bounds on what one JSON text holds. */
export interface ScanBounds {
  /** How many arrays and objects may nest, at most `HIGHEST_DEPTH`. */
  readonly maxDepth: number;
  /** How many arrays and objects there may be. */
  readonly maxContainers: number;
  /** How many different keys there may be. */
  readonly maxDistinctKeys: number;
}

/** A rule that a text breaks, and the offset in bytes where it does. */
export interface ScanFault {
  /** `grammar`: the text is not exactly one JSON value. */
  readonly rule: "depth" | "containers" | "keys" | "repeated" | "proto" | "number" | "grammar";
  readonly offset: number;
}

/** The deepest nesting that can be asked for. */
export const HIGHEST_DEPTH = 1_024;

/** Shorter numbers without an exponent are within a double's range: its largest has 309 digits, its least 324 places. */
const SURELY_IN_RANGE = 300;
/** Longest number, in characters without an exponent, that a double is surely printed as again: it holds 15 digits. */
const SURELY_HELD = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const ZERO = 0x30;
const PROTO = Buffer.from("__proto__");
/** What may stand behind a backslash besides `u` and its four digits: RFC 8259, section 7. */
const SIMPLE_ESCAPES = new Set(Buffer.from('"\\/bfnrt'));
const NO_BYTES = Buffer.alloc(0);
const NO_BOUNDS: ScanBounds = { maxDepth: 0, maxContainers: 0, maxDistinctKeys: 0 };
const TRUE = Buffer.from("true");
const FALSE = Buffer.from("false");
const NULL = Buffer.from("null");

/** What may stand at the place that was scanned to. */
const VALUE = 0;
const VALUE_OR_END = 1;
const KEY = 2;
const KEY_OR_END = 3;
const COLON = 4;
const COMMA_OR_END = 5;
const NOTHING = 6;

/**
 * One pass over a JSON text, in steps of as many bytes as the caller likes: a text of megabytes would hold an event loop for too
 * long. It decides all that `readJson` decides, in linear time and bounded memory, and whether the text is one JSON value at all
 * (RFC 8259), which `JSON.parse` cannot be asked in steps.
 *
 * The bytes are UTF-8, which is looked at before, and do not change between steps.
 */
export class JsonScanner {
  #bytes: Buffer = NO_BYTES;
  #bounds: ScanBounds = NO_BOUNDS;
  readonly #keys = new KeyTable();
  /** Per open container: the number of the object, or 0 for an array; and where its object's keys begin in the table. */
  readonly #objects = new Int32Array(HIGHEST_DEPTH + 1);
  readonly #marks = new Int32Array(HIGHEST_DEPTH + 1);
  #at = 0;
  #next = VALUE;
  #depth = 0;
  #containers = 0;
  /** The number of the innermost container if it is an object, else 0. */
  #object = 0;
  /** Where the string began that the last step broke off in, behind its quote; -1 outside of strings. */
  #stringStart = -1;
  #escaped = false;
  #values = 0;
  #members = 0;
  #longNumbers = false;
  #fault: ScanFault | undefined;

  /** Begins with a text, and forgets the one before. */
  begin(bytes: Buffer, bounds: ScanBounds): void {
    this.#bytes = bytes;
    this.#bounds = bounds;
    this.#keys.reset(bounds.maxDistinctKeys);
    this.#at = this.#depth = this.#containers = this.#object = this.#values = this.#members = 0;
    this.#next = VALUE;
    this.#stringStart = -1;
    this.#longNumbers = false;
    this.#fault = undefined;
  }

  /** What is wrong with the text, as far as it was scanned. */
  get fault(): ScanFault | undefined {
    return this.#fault;
  }

  /** Whether there are numbers of more characters than a double surely holds, or with an exponent. */
  get longNumbers(): boolean {
    return this.#longNumbers;
  }

  /** How many arrays and objects there are. */
  get containers(): number {
    return this.#containers;
  }

  /** How many values there are, arrays and objects included. */
  get values(): number {
    return this.#values;
  }

  /** How many members all objects have together. */
  get members(): number {
    return this.#members;
  }

  /** How many different keys there are. */
  get distinctKeys(): number {
    return this.#keys.size;
  }

  /**
   * Scans on by about this many bytes; what is neither string nor structure (a number, a word) is not cut.
   *
   * @returns whether the scan is over: there is a fault, or all of the text was scanned.
   */
  step(stepBytes: number): boolean {
    if (this.#fault !== undefined) return true;
    const bytes = this.#bytes;
    const { length } = bytes;
    const until = Math.min(length, this.#at + stepBytes);
    if (this.#stringStart >= 0 && !this.#string(until)) return this.#fault !== undefined;
    let at = this.#at;
    while (at < until) {
      const byte = bytes[at] ?? 0;
      switch (byte) {
        case 0x20:
        case 0x09:
        case 0x0a:
        case 0x0d:
          at++;
          break;
        case QUOTE:
          if (this.#next > KEY_OR_END) return this.#fail("grammar", at);
          this.#stringStart = this.#at = at + 1;
          this.#escaped = false;
          if (!this.#string(until)) return this.#fault !== undefined;
          at = this.#at;
          break;
        case 0x2c: // ,
          if (this.#next !== COMMA_OR_END) return this.#fail("grammar", at);
          this.#next = this.#object === 0 ? VALUE : KEY;
          at++;
          break;
        case 0x3a: // :
          if (this.#next !== COLON) return this.#fail("grammar", at);
          this.#next = VALUE;
          at++;
          break;
        case 0x7b: // {
        case 0x5b: // [
          if (!this.#open(at, byte === 0x7b)) return true;
          at++;
          break;
        case 0x7d: // }
        case 0x5d: // ]
          if (!this.#close(at, byte === 0x7d)) return true;
          at++;
          break;
        default:
          if (this.#next > VALUE_OR_END) return this.#fail("grammar", at);
          at = byte === MINUS || (byte >= ZERO && byte <= 0x39) ? this.#number(at) : this.#word(at);
          if (at < 0) return true;
          this.#valueEnds();
      }
    }
    this.#at = at;
    if (at < length) return false;
    if (this.#next !== NOTHING) this.#fail("grammar", length);
    return true;
  }

  /** @returns true, which ends a step. */
  #fail(rule: ScanFault["rule"], offset: number): true {
    this.#fault = { rule, offset };
    return true;
  }

  /** @returns -1, which is no place to go on at. */
  #refuse(rule: ScanFault["rule"], offset: number): number {
    this.#fail(rule, offset);
    return -1;
  }

  #valueEnds(): void {
    this.#values++;
    this.#next = this.#depth === 0 ? NOTHING : COMMA_OR_END;
  }

  #open(at: number, isObject: boolean): boolean {
    if (this.#next > VALUE_OR_END) return !this.#fail("grammar", at);
    if (this.#depth === this.#bounds.maxDepth) return !this.#fail("depth", at);
    if (this.#containers === this.#bounds.maxContainers) return !this.#fail("containers", at);
    this.#containers++;
    this.#depth++;
    this.#object = isObject ? this.#containers : 0;
    this.#next = isObject ? KEY_OR_END : VALUE_OR_END;
    this.#objects[this.#depth] = this.#object;
    this.#marks[this.#depth] = this.#keys.mark;
    return true;
  }

  #close(at: number, isObject: boolean): boolean {
    const mayEnd = this.#next === COMMA_OR_END || this.#next === (isObject ? KEY_OR_END : VALUE_OR_END);
    if (!mayEnd || isObject !== (this.#object !== 0)) return !this.#fail("grammar", at);
    if (isObject) this.#keys.close(this.#marks[this.#depth] ?? 0);
    this.#depth--;
    this.#object = this.#depth === 0 ? 0 : (this.#objects[this.#depth] ?? 0);
    this.#valueEnds();
    return true;
  }

  /** Scans on in a string. @returns whether it is over, and nothing is wrong with it. */
  #string(until: number): boolean {
    const bytes = this.#bytes;
    let at = this.#at;
    for (; at < until; at++) {
      const byte = bytes[at] ?? 0;
      if (byte > BACKSLASH) continue; // most letters
      if (byte === QUOTE) {
        this.#at = at + 1;
        return this.#stringEnds(this.#stringStart, at);
      }
      if (byte === BACKSLASH) {
        const escapeEnd = this.#escapeEnd(at + 1);
        if (escapeEnd < 0) return !this.#fail("grammar", at);
        this.#escaped = true;
        at = escapeEnd;
      } else if (byte < 0x20) return !this.#fail("grammar", at);
    }
    this.#at = at;
    if (at >= bytes.length) this.#fail("grammar", bytes.length);
    return false;
  }

  /** The last byte of what stands behind a backslash; -1 where that is no escape. */
  #escapeEnd(at: number): number {
    const byte = this.#bytes[at] ?? 0;
    if (SIMPLE_ESCAPES.has(byte)) return at;
    if (byte !== 0x75) return -1;
    for (let digit = at + 1; digit <= at + 4; digit++) if (!isHexDigit(this.#bytes[digit] ?? 0)) return -1;
    return at + 4;
  }

  /** A string is over: a value, or a key, which is unlike the others of its object. @returns whether it may be there. */
  #stringEnds(start: number, end: number): boolean {
    this.#stringStart = -1;
    if (this.#next <= VALUE_OR_END) {
      this.#valueEnds();
      return true;
    }
    const key = this.#escaped ? unescaped(this.#bytes, start, end) : this.#bytes;
    const from = this.#escaped ? 0 : start;
    const to = this.#escaped ? key.length : end;
    if (to - from === PROTO.length && key[from] === 0x5f && PROTO.equals(key.subarray(from, to)))
      return !this.#fail("proto", start);
    const entered = this.#keys.enter(key, from, to, this.#object);
    if (entered !== "new") return !this.#fail(entered === "full" ? "keys" : "repeated", start);
    this.#members++;
    this.#next = COLON;
    return true;
  }

  /** A number, as RFC 8259 has it in section 6. @returns where it ends; below 0 where something is wrong with it. */
  #number(start: number): number {
    const bytes = this.#bytes;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let end = bytes[first] === ZERO ? first + 1 : this.#digitsEnd(first);
    if (bytes[end] === 0x2e) end = this.#digitsEnd(end + 1);
    const hasExponent = bytes[end] === 0x65 || bytes[end] === 0x45;
    if (hasExponent) {
      const sign = bytes[end + 1];
      end = this.#digitsEnd(end + (sign === MINUS || sign === 0x2b ? 2 : 1));
    }
    if (end < 0) return this.#refuse("grammar", start);
    if (!hasExponent && end - start <= SURELY_HELD) return end;
    this.#longNumbers = true;
    if (!hasExponent && end - start <= SURELY_IN_RANGE) return end;
    return isInRange(bytes.toString("latin1", start, end)) ? end : this.#refuse("number", start);
  }

  /** Behind the digits that begin here; -1 where there are none. */
  #digitsEnd(start: number): number {
    let at = start;
    for (let byte = this.#bytes[at] ?? 0; byte >= ZERO && byte <= 0x39; byte = this.#bytes[at] ?? 0) at++;
    return at === start ? -1 : at;
  }

  /** `true`, `false`, `null`. @returns where it ends; below 0 where it is none of them. */
  #word(start: number): number {
    const first = this.#bytes[start];
    const word = first === TRUE[0] ? TRUE : first === FALSE[0] ? FALSE : NULL;
    for (let index = 0; index < word.length; index++)
      if (this.#bytes[start + index] !== word[index]) return this.#refuse("grammar", start);
    return start + word.length;
  }
}

/** Whether a number neither overflows a double nor, unless it is zero, becomes zero in one. */
export function isInRange(text: string): boolean {
  const number = Number(text);
  if (number === 0) return !/^[-0.]*[1-9]/.test(text);
  return number !== Number.POSITIVE_INFINITY && number !== Number.NEGATIVE_INFINITY;
}

/** The bytes that an escaped key stands for, whose escapes were looked at before. */
function unescaped(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.from(String(JSON.parse(bytes.toString("utf8", start - 1, end + 1))));
}

function isHexDigit(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);
}
