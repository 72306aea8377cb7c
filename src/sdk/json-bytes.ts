/** JSON to and from the bytes of the wire. */

/** What became of a value that was to be JSON. */
export type Encoded =
  | { readonly kind: "encoded"; readonly bytes: Uint8Array }
  | { readonly kind: "refused"; readonly why: string };

/** A value as UTF-8 JSON; `undefined` is `null`. Refuses what JSON has no form for, such as cycles and functions. */
export function encodeJson(value: unknown): Encoded {
  try {
    const text = JSON.stringify(value === undefined ? null : value);
    if (text === undefined) return { kind: "refused", why: `a ${typeof value} has no form in JSON` };
    return { kind: "encoded", bytes: Buffer.from(text) };
  } catch (error) {
    return { kind: "refused", why: error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error) };
  }
}

/** The value that UTF-8 JSON stands for; `undefined` for no bytes. */
export function decodeJson(bytes: Buffer): unknown {
  return bytes.length === 0 ? undefined : JSON.parse(bytes.toString());
}
