import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { BodyReader } from "../../documents/body-reader.js";
import type { Branded } from "../../identity/names.js";
import { toBase62 } from "./base62.js";
import { readMatch } from "./principal-members.js";

/**
 * API keys and session tokens: `tg_<kind>_<id>_<secret>_<checksum>`.
 *
 * The prefix and the checksum let scanners of source code find a leaked one, and let a node refuse a misspelt one without looking for
 * it. The id is no secret: lists, logs and the audit name the key by it. The secret is 32 random bytes, which nobody guesses, so it
 * is stored as a plain SHA-256: a slow hash would only slow down the node.
 */

/** What a token is for. */
export type SecretTokenKind = "key" | "session";

/** What is kept of a token's secret: its SHA-256 in base64url, 43 characters. */
export type SecretHash = Branded<string, "SecretHash">;

/** A token as it was read: enough to look for it, and not enough to use it. */
export interface SecretToken {
  readonly kind: SecretTokenKind;
  readonly id: string;
  readonly hash: SecretHash;
}

/** What a document's `id` of a key must match. */
export const SECRET_ID = /^[a-z0-9]{12}$/;
const SECRET_HASH = /^[A-Za-z0-9_-]{43}$/;

const TOKEN = /^(tg_(key|session)_([a-z0-9]{12})_([0-9A-Za-z]{43}))_([0-9A-Za-z]{6})$/;
const LONGEST = "tg_session_".length + 12 + 1 + 43 + 1 + 6;
const SECRET_BYTES = 32;
/** More than an id needs, so that each of its characters is as likely as the others. */
const ID_BYTES = 16;
const ID_LENGTH = 12;

/** Makes a token. Its text is handed to its holder, and kept nowhere. */
export function makeSecretToken(
  kind: SecretTokenKind,
  randomBytes: (size: number) => Buffer,
): SecretToken & { readonly text: string } {
  const id = (BigInt(`0x${randomBytes(ID_BYTES).toString("hex")}`) % 36n ** BigInt(ID_LENGTH))
    .toString(36)
    .padStart(ID_LENGTH, "0");
  const secret = toBase62(randomBytes(SECRET_BYTES), 43);
  const signed = `tg_${kind}_${id}_${secret}`;
  return { kind, id, hash: hashSecret(secret), text: `${signed}_${checksum(signed)}` };
}

/** Whether a text says that it is such a token, well-formed or not. */
export const looksLikeSecretToken = (text: string): boolean => text.startsWith("tg_");

/** Reads a token; nothing where the text is none, or has a character that was changed. */
export function readSecretToken(text: string): SecretToken | undefined {
  if (text.length > LONGEST) return undefined;
  const [, signed, kind, id, secret, sum] = TOKEN.exec(text) ?? [];
  if (signed === undefined || id === undefined || secret === undefined || sum !== checksum(signed)) return undefined;
  return { kind: kind === "session" ? "session" : "key", id, hash: hashSecret(secret) };
}

/** Reads the hash of a secret in a document. @param advice what to do where there is none to write there */
export function readSecretHash(reader: BodyReader, value: unknown, pointer: string, advice?: string): SecretHash {
  const rule = "must be a SHA-256 in base64url";
  return readMatch(
    reader,
    value,
    pointer,
    SECRET_HASH,
    advice === undefined ? rule : `${rule}; ${advice}`,
  ) as SecretHash; // of this form
}

function hashSecret(secret: string): SecretHash {
  return createHash("sha256").update(secret).digest("base64url") as SecretHash; // made here only
}

/** CRC-32 as in zip files; it guards against slips, and against nothing else. */
function checksum(signed: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(signed));
  return toBase62(bytes, 6);
}
