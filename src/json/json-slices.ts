import type { Json } from "./json.js";

/** A value within a JSON text: from its first byte to behind its last one. */
export interface JsonSlice {
  /** The member's name, unescaped; absent of an array's elements. */
  readonly key?: string;
  readonly start: number;
  readonly end: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * The members of an object, or the elements of an array, as places in its text: with them, a value can be handed on as it was
 * written, which reading and writing it again would not do (1e2, 10.00, 725653563933458433). One pass over the bytes, which goes
 * as far as it is asked for, since a hostile text has millions of members.
 *
 * @param json UTF-8 that `JSON.parse` takes, whose value is an object or an array; of anything else the answer means nothing
 * @returns in their order; a key that stands there twice is there twice
 */
export function* slicesOf(json: Buffer): Generator<JsonSlice, void, void> {
  let at = skipBlanks(json, 0);
  const isObject = json[at] === 0x7b;
  at = skipBlanks(json, at + 1);
  while (at < json.length && json[at] !== 0x7d && json[at] !== 0x5d) {
    let key: string | undefined;
    if (isObject) {
      const keyEnd = endOfString(json, at);
      key = keyText(json, at, keyEnd);
      at = skipBlanks(json, skipBlanks(json, keyEnd) + 1); // the colon
    }
    const end = endOfValue(json, at);
    yield key === undefined ? { start: at, end } : { key, start: at, end };
    at = skipBlanks(json, end);
    if (json[at] === 0x2c) at = skipBlanks(json, at + 1);
  }
}

/**
 * The bytes of an object's member; of the last one where its key stands there twice, as `JSON.parse` takes it.
 *
 * @param json as for `slicesOf`
 * @returns undefined where there is none
 */
export function memberOf(json: Buffer, key: string): Buffer | undefined {
  let found: Buffer | undefined;
  for (const member of slicesOf(json)) if (member.key === key) found = json.subarray(member.start, member.end);
  return found;
}

/** A key that is written between two quotes. */
function keyText(json: Buffer, start: number, end: number): string {
  const text = json.toString("utf8", start + 1, end - 1);
  return text.includes("\\") ? String(JSON.parse(`"${text}"`)) : text;
}

/** A JSON value, or the bytes that it is written in. */
export type JsonPart = Json | Buffer;

/** An object written from its members, each of them a value or the bytes of one, in this order. */
export function joinObject(members: Iterable<readonly [key: string, value: JsonPart]>): Buffer {
  const parts: Buffer[] = [];
  for (const [key, value] of members) {
    parts.push(Buffer.from(`${parts.length === 0 ? "{" : ","}${JSON.stringify(key)}:`));
    parts.push(Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)));
  }
  parts.push(Buffer.from(parts.length === 0 ? "{}" : "}"));
  return Buffer.concat(parts);
}

function skipBlanks(json: Buffer, from: number): number {
  let at = from;
  for (let byte = json[at]; byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d; byte = json[at]) at++;
  return at;
}

/** Behind the closing quote of the string that begins here. */
function endOfString(json: Buffer, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === BACKSLASH) at++;
    else if (json[at] === QUOTE) return at + 1;
  }
  return json.length;
}

/** Behind the value that begins here. */
function endOfValue(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    switch (json[at]) {
      case QUOTE:
        at = endOfString(json, at) - 1;
        if (depth === 0) return at + 1;
        break;
      case 0x7b:
      case 0x5b:
        depth++;
        break;
      case 0x7d:
      case 0x5d:
        if (depth === 0) return at; // it closes what holds a number or a word
        depth--;
        if (depth === 0) return at + 1;
        break;
      case 0x2c:
      case 0x20:
      case 0x09:
      case 0x0a:
      case 0x0d:
        if (depth === 0) return at;
        break;
      default:
    }
  }
  return json.length;
}
