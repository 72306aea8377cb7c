import { isUtf8 } from "node:buffer";
import type { Steps } from "../async/steps.js";
import type { Json } from "./json.js";
import { HIGHEST_DEPTH, JsonScanner, type ScanBounds, type ScanFault } from "./json-scanner.js";
import { pointerOf } from "./pointer.js";
import { walkPlaces } from "./walk-places.js";

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
  /** What it says, with a double for each number. Made when it is first asked for, where `parseWork` says so. */
  readonly value: Json;
  /** It has numbers of more characters than a double surely holds, or with an exponent: see exact-numbers.ts. */
  readonly longNumbers: boolean;
  /** What making the value takes at most, in units of roughly 10 ns; absent where it is made. */
  readonly parseWork?: number;
}

/**
 * What became of a JSON text. A malformed one comes with the rule that it breaks, and with the place in two forms: `pointer` has
 * the names of properties on the way there, which may be data, and `at` the offset (" at byte 17"), for texts whose names must not
 * be told. Both may be empty. The pointer is looked for when it is asked for: that takes a walk over the whole text.
 */
export type ReadJson =
  | ({ readonly kind: "ok" } & JsonText)
  | { readonly kind: "malformed"; readonly reason: string; readonly pointer: string; readonly at: string };

const DEFAULT_DEPTH = 64;
const DEFAULT_CONTAINERS = 150_000;
const BYTES_PER_CONTAINER = 20;
const DEFAULT_DISTINCT_KEYS = 32_000;
const BYTES_PER_DISTINCT_KEY = 100;
/** How many bytes one step reads of a text: they take about a millisecond where they cost most. */
const STEP_BYTES = 16_384;

// Kept between texts that are read at once: small payloads allocate nothing here.
const shared = new JsonScanner();

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
 *   Within the range a number may have more digits than a double; the bytes travel on, and it is validated as it is written.
 */
export function readJson(bytes: Uint8Array, limits: JsonLimits): ReadJson {
  const refused = refusedUnread(bytes, limits);
  if (refused !== undefined) return refused;
  const text = asBuffer(bytes);
  shared.begin(text, boundsOf(limits));
  shared.step(text.length);
  if (shared.fault !== undefined) return refusal(text, shared.fault, limits);
  const value: Json = JSON.parse(text.toString("utf8"));
  return { kind: "ok", bytes, value, longNumbers: shared.longNumbers };
}

/** The same in steps, for a long text. Its value is only made when it is asked for: the engine's parser knows no steps. */
export function* readJsonSteps(bytes: Uint8Array, limits: JsonLimits): Steps<ReadJson> {
  if (bytes.length <= STEP_BYTES) return readJson(bytes, limits);
  const refused = refusedUnread(bytes, limits);
  if (refused !== undefined) return refused;
  const text = asBuffer(bytes);
  const scan = new JsonScanner();
  scan.begin(text, boundsOf(limits));
  while (!scan.step(STEP_BYTES)) yield;
  return scan.fault === undefined ? new ScannedText(text, scan) : refusal(text, scan.fault, limits);
}

/** What `JSON.parse` takes at most, in units of roughly 10 ns, as measured on a slow core. */
const PARSE_WORK = { perByte: 0.5, perValue: 4, perContainer: 20, perMember: 10, perDistinctKey: 90 } as const;

/** A text that was scanned, and is parsed when its value is asked for. */
class ScannedText implements JsonText {
  readonly kind = "ok";
  readonly bytes: Buffer;
  readonly longNumbers: boolean;
  readonly parseWork: number;
  #value: Json | undefined;

  constructor(bytes: Buffer, scan: JsonScanner) {
    this.bytes = bytes;
    this.longNumbers = scan.longNumbers;
    const { perByte, perValue, perContainer, perMember, perDistinctKey } = PARSE_WORK;
    this.parseWork =
      bytes.length * perByte +
      scan.values * perValue +
      scan.containers * perContainer +
      scan.members * perMember +
      scan.distinctKeys * perDistinctKey;
  }

  get value(): Json {
    if (this.#value === undefined) this.#value = JSON.parse(this.bytes.toString("utf8")) as Json; // it was scanned
    return this.#value;
  }
}

/** What is decided before a text is scanned. */
function refusedUnread(bytes: Uint8Array, { maxBytes }: JsonLimits): ReadJson | undefined {
  if (bytes.length > maxBytes) return malformed(`must be at most ${maxBytes} bytes long`);
  if (bytes.length === 0) return malformed("must be a JSON value; it is empty");
  return isUtf8(bytes) ? undefined : malformed("must be UTF-8");
}

function refusal(bytes: Buffer, fault: ScanFault, limits: JsonLimits): ReadJson {
  const { rule, offset } = fault;
  if (rule === "grammar") return malformed(`must be one JSON value${whereOf(bytes, offset)}`);
  return {
    kind: "malformed",
    reason: ruleText(rule, limits),
    get pointer() {
      return faultPointer(bytes, fault);
    },
    at: ` at byte ${offset + 1}`,
  };
}

function malformed(reason: string): ReadJson {
  return { kind: "malformed", reason, pointer: "", at: "" };
}

/** The same bytes as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function boundsOf(limits: JsonLimits): ScanBounds {
  return {
    maxDepth: depthOf(limits),
    maxContainers: containersOf(limits),
    maxDistinctKeys: distinctKeysOf(limits),
  };
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

function ruleText(rule: Exclude<ScanFault["rule"], "grammar">, limits: JsonLimits): string {
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

/** The place of a fault. Runs once, over a text that is refused, so it may decode what the scan only compared. */
function faultPointer(bytes: Buffer, { rule, offset }: ScanFault): string {
  return rule === "containers" || rule === "keys" ? "" : pointerOf(walkPlaces(bytes, offset));
}

/** The byte that does not fit; nothing of a text that ends too early. */
function whereOf(bytes: Buffer, offset: number): string {
  return offset >= bytes.length ? "" : `; it breaks off at byte ${offset + 1}`;
}
