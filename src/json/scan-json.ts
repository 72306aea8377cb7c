import { isUtf8 } from "node:buffer";
import type { Json } from "../contract/contract.js";
import { KeyTable } from "./key-table.js";
import { pointerOf } from "./pointer.js";
import { isInNumber, walkPlaces } from "./walk-places.js";

/** Limits on one JSON text. */
export interface JsonLimits {
  /** The longest text, in bytes. */
  readonly maxBytes: number;
  /** How many arrays and objects may nest: 1 allows `[]`, 2 allows `[[]]`. 64 unless said, at most 1,024. */
  readonly maxDepth?: number;
  /**
   * How many arrays and objects there may be; unless said 150,000, or one for 20 bytes of the longest text. `JSON.parse` takes up
   * to 0.2 µs for each.
   */
  readonly maxContainers?: number;
  /**
   * How many different keys there may be; unless said 32,000, or one for 100 bytes of the longest text. `JSON.parse` takes up to
   * 0.9 µs for each.
   */
  readonly maxDistinctKeys?: number;
}

/** A JSON text that was read. */
export interface JsonText {
  readonly bytes: Uint8Array;
  /** What it says, with a double for each number. */
  readonly value: Json;
  /** It has numbers of more characters than a double surely holds, or with an exponent: see exact-numbers.ts. */
  readonly longNumbers: boolean;
}

/**
 * What became of a JSON text. A malformed one comes with the rule that it breaks, and with the place in two forms: `pointer` has
 * the names of properties on the way there, which may be data, and `at` the offset (" at byte 17"), for texts whose names must not
 * be told. Both may be empty.
 */
export type ReadJson =
  | ({ readonly kind: "ok" } & JsonText)
  | { readonly kind: "malformed"; readonly reason: string; readonly pointer: string; readonly at: string };

/** A rule that a text breaks, and the offset in bytes where it does. */
type Fault = {
  readonly rule: "depth" | "containers" | "keys" | "repeated" | "proto" | "number";
  readonly offset: number;
};

const DEFAULT_DEPTH = 64;
const HIGHEST_DEPTH = 1_024;
const DEFAULT_CONTAINERS = 150_000;
const BYTES_PER_CONTAINER = 20;
const DEFAULT_DISTINCT_KEYS = 32_000;
const BYTES_PER_DISTINCT_KEY = 100;
/** Shorter numbers without an exponent are within a double's range: its largest has 309 digits, its least 324 places. */
const SURELY_IN_RANGE = 300;
/** Longest number, in characters without an exponent, that a double is surely printed as again: it holds 15 digits. */
const SURELY_HELD = 15;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const PROTO = Buffer.from("__proto__");

// Kept between texts, since scanning never yields: small payloads allocate nothing here.
const keys = new KeyTable();
/** Per open container: the number of the object, or 0 for an array. */
const openObjects = new Int32Array(HIGHEST_DEPTH + 1);
/** Per open container: where its object's keys begin in the table. */
const openMarks = new Int32Array(HIGHEST_DEPTH + 1);

/**
 * Reads one JSON text from bytes that a stranger sent.
 *
 * Bytes are scanned once, in linear time and bounded memory, before `JSON.parse` sees them, because `JSON.parse` accepts
 * any depth, lets the last of several equal keys win, and makes text out of bytes that are not UTF-8. What is refused:
 * more bytes, nesting, containers or different keys than the limits allow, invalid UTF-8, a key twice in one object
 * (compared unescaped: "a" equals "\u0061"), and whatever is not exactly one JSON value.
 *
 * Also refused, in schemas, payloads and results alike:
 * - The key `__proto__`. Here it would be a plain property, but the bytes travel on, and a merge or an assignment by key
 *   at the other end would change a prototype. No honest data has it.
 * - A number out of a double's range, such as 1e999 or 1e-999: one end would read Infinity or 0, and the other another value.
 *   Within the range a number may have more digits than a double; the bytes travel on, and it is judged as it is written.
 */
export function readJson(bytes: Uint8Array, limits: JsonLimits): ReadJson {
  if (bytes.length > limits.maxBytes) return malformed(`must be at most ${limits.maxBytes} bytes long`);
  if (bytes.length === 0) return malformed("must be a JSON value; it is empty");
  if (!isUtf8(bytes)) return malformed("must be UTF-8");
  const scanned = scan(bytes, limits);
  if (typeof scanned !== "boolean")
    return malformed(ruleText(scanned.rule, limits), faultPointer(bytes, scanned), ` at byte ${scanned.offset + 1}`);
  try {
    const value: Json = JSON.parse(asBuffer(bytes).toString("utf8"));
    return { kind: "ok", bytes, value, longNumbers: scanned };
  } catch (error) {
    return malformed(`must be one JSON value${whereOf(error)}`);
  }
}

function malformed(reason: string, pointer = "", at = ""): ReadJson {
  return { kind: "malformed", reason, pointer, at };
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function depthOf(limits: JsonLimits): number {
  return Math.min(limits.maxDepth ?? DEFAULT_DEPTH, HIGHEST_DEPTH);
}

/** Where longer texts are allowed, more may be in them: a table of 32 MiB is as honest as one of 3. */
function containersOf({ maxContainers, maxBytes }: JsonLimits): number {
  return maxContainers ?? Math.max(DEFAULT_CONTAINERS, Math.floor(maxBytes / BYTES_PER_CONTAINER));
}

function distinctKeysOf({ maxDistinctKeys, maxBytes }: JsonLimits): number {
  return maxDistinctKeys ?? Math.max(DEFAULT_DISTINCT_KEYS, Math.floor(maxBytes / BYTES_PER_DISTINCT_KEY));
}

function ruleText(rule: Fault["rule"], limits: JsonLimits): string {
  switch (rule) {
    case "depth":
      return `must nest at most ${depthOf(limits)} levels deep`;
    case "containers":
      return `must have at most ${containersOf(limits)} arrays and objects`;
    case "keys":
      return `must have at most ${distinctKeysOf(limits)} different keys`;
    case "repeated":
      return "repeats a key of its object; keys must be unique";
    case "proto":
      return "has a key that is never allowed";
    case "number":
      return "must be a number within the range of a double";
    default:
      return rule satisfies never;
  }
}

/**
 * The pass before parsing. It takes the grammar for granted: a text that breaks it is refused by `JSON.parse` afterwards,
 * whatever was made of it here.
 *
 * @returns whether there are long numbers, or the fault.
 */
function scan(bytes: Uint8Array, limits: JsonLimits): boolean | Fault {
  const maxDepth = depthOf(limits);
  const maxContainers = containersOf(limits);
  const length = bytes.length;
  let depth = 0;
  let containers = 0;
  let object = 0; // the number of the innermost container if it is an object, else 0
  let keyNext = false;
  let longNumbers = false;
  keys.reset(distinctKeysOf(limits));
  for (let at = 0; at < length; at++) {
    switch (bytes[at]) {
      case QUOTE: {
        const start = at + 1;
        let escaped = false;
        for (at = start; at < length && bytes[at] !== QUOTE; at++) {
          if (bytes[at] !== BACKSLASH) continue;
          escaped = true;
          at++;
        }
        if (!keyNext) break;
        keyNext = false;
        const key = escaped ? unescapedKey(bytes, start, at) : bytes;
        const from = escaped ? 0 : start;
        const to = escaped ? key.length : Math.min(at, length);
        if (isProto(key, from, to)) return { rule: "proto", offset: start };
        const entered = keys.enter(key, from, to, object);
        if (entered !== "new") return { rule: entered === "full" ? "keys" : "repeated", offset: start };
        break;
      }
      case 0x2c: // ,
        keyNext = object !== 0;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (depth === maxDepth) return { rule: "depth", offset: at };
        if (containers === maxContainers) return { rule: "containers", offset: at };
        containers++;
        depth++;
        keyNext = bytes[at] === 0x7b;
        object = keyNext ? containers : 0;
        openObjects[depth] = object;
        openMarks[depth] = keys.mark;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        if (depth === 0) return longNumbers; // not JSON, as the parser will say
        if (object !== 0) keys.close(openMarks[depth] ?? 0);
        depth--;
        object = depth === 0 ? 0 : (openObjects[depth] ?? 0);
        keyNext = false;
        break;
      case 0x2d: // - and digits
      case 0x30:
      case 0x31:
      case 0x32:
      case 0x33:
      case 0x34:
      case 0x35:
      case 0x36:
      case 0x37:
      case 0x38:
      case 0x39: {
        const start = at;
        let exponent = false;
        for (let next = bytes[at + 1] ?? 0; isInNumber(next); next = bytes[at + 1] ?? 0) {
          if (next === 0x65 || next === 0x45) exponent = true;
          at++;
        }
        if (!exponent && at - start < SURELY_HELD) break;
        longNumbers = true;
        if (!exponent && at - start < SURELY_IN_RANGE) break;
        if (!isInRange(asBuffer(bytes).toString("latin1", start, at + 1))) return { rule: "number", offset: start };
        break;
      }
      default:
    }
  }
  return longNumbers;
}

/** Whether a number neither overflows a double nor, unless it is zero, becomes zero in one. */
function isInRange(text: string): boolean {
  const number = Number(text);
  if (number === 0) return !/^[-0.]*[1-9]/.test(text);
  return number !== Number.POSITIVE_INFINITY && number !== Number.NEGATIVE_INFINITY;
}

/** The bytes that an escaped key stands for; a key that is not JSON stands for itself, and is refused by the parser. */
function unescapedKey(bytes: Uint8Array, start: number, end: number): Uint8Array {
  try {
    const key: unknown = JSON.parse(asBuffer(bytes).toString("utf8", start - 1, end + 1));
    return Buffer.from(String(key));
  } catch {
    return bytes.subarray(start, end);
  }
}

function isProto(key: Uint8Array, start: number, end: number): boolean {
  if (end - start !== PROTO.length || key[start] !== 0x5f) return false;
  for (let at = 0; at < PROTO.length; at++) if (key[start + at] !== PROTO[at]) return false;
  return true;
}

/** The place of a fault. Runs once, over a text that is refused, so it may decode what the scan only compared. */
function faultPointer(bytes: Uint8Array, fault: Fault): string {
  if (fault.rule === "containers" || fault.rule === "keys") return "";
  return pointerOf(walkPlaces(asBuffer(bytes), fault.offset));
}

/** The engine's message quotes the text, so only its position is taken over. */
function whereOf(error: unknown): string {
  const position = error instanceof SyntaxError ? /at position ([0-9]+)/.exec(error.message)?.[1] : undefined;
  return position === undefined ? "" : `; it breaks off at character ${Number(position) + 1}`;
}
