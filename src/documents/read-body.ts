import { type ReadJson, readJson } from "../json/read-json.js";

/** The longest content of a document, in bytes. */
export const MAX_BODY_BYTES = 65_536;
/** How deep a content may nest. */
const MAX_DEPTH = 32;

/** A content that was read, or what is wrong with it and where: a JSON pointer. */
export type ReadBody =
  | { readonly kind: "ok"; readonly value: object }
  | { readonly kind: "malformed"; readonly pointer: string; readonly reason: string };

/** Reads a document's content: one JSON object of at most 64 KiB and 32 levels, without repeated keys. */
export function readBody(bytes: Uint8Array): ReadBody {
  const read: ReadJson = readJson(bytes, { maxBytes: MAX_BODY_BYTES, maxDepth: MAX_DEPTH });
  if (read.kind === "malformed") return { kind: "malformed", pointer: read.pointer, reason: read.reason };
  const { value } = read;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { kind: "malformed", pointer: "", reason: "must be a JSON object" };
  }
  return { kind: "ok", value };
}
