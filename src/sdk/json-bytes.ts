import { invalidField } from "../identity/names.js";
import { type Integers, parseJson } from "../json/parse-json.js";
import { RawJson, stringifyJson } from "../json/raw-json.js";

/** JSON to and from the bytes of the wire. */

/** What became of a value that was to be JSON. */
export type Encoded =
  | { readonly kind: "encoded"; readonly bytes: Uint8Array }
  | { readonly kind: "refused"; readonly why: string };

/**
 * A value as UTF-8 JSON; `undefined` is `null`, a bigint an integer, and a RawJson its bytes. Refuses what JSON has no form
 * for, such as cycles and functions.
 */
export function encodeJson(value: unknown): Encoded {
  if (value instanceof RawJson) return { kind: "encoded", bytes: value.bytes };
  try {
    const text = stringifyJson(value === undefined ? null : value);
    if (text === undefined) return { kind: "refused", why: `a ${typeof value} has no form in JSON` };
    return { kind: "encoded", bytes: Buffer.from(text) };
  } catch (error) {
    return { kind: "refused", why: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
  }
}

/** A value as UTF-8 JSON. @throws ToolgateError INVALID_REQUEST naming the field, where JSON has no form for it */
export function jsonBytes(value: unknown, field: string): Uint8Array {
  const encoded = encodeJson(value);
  if (encoded.kind === "refused") throw invalidField(field, encoded.why);
  return encoded.bytes;
}

/** Reads a value from the bytes of the wire, which a node has checked. */
export type DecodeJson<Value = unknown> = (bytes: Buffer) => Value;

/** Reads values with integers of this kind. */
export function decoderOf(integers: Integers): DecodeJson {
  return integers === "number"
    ? decodeJson
    : (bytes) => (bytes.length === 0 ? undefined : parseJson(bytes.toString(), integers));
}

/** The value that UTF-8 JSON stands for; `undefined` for no bytes. */
export function decodeJson(bytes: Buffer): unknown {
  return bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
}

/** The bytes themselves. */
export function decodeRaw(bytes: Buffer): RawJson {
  return new RawJson(bytes);
}
