import { readLua } from "../../redis/lua-file.js";

/**
 * A document's entry: a line of words, then its content as it was applied, to the byte. The words are
 *
 *     <format, 1> <revision> <time> <state> <author> <reason>
 *
 * The time is in Unix milliseconds by Redis's clock; the state is `live` or, in the history, `removed`, without content; the author is
 * `tenant/id`; the reason is percent-encoded, or `-`. A later version may append words.
 */

/** Lua that reads and writes such an entry. */
export const DOCUMENT_ENTRY_LUA = readLua(import.meta.url, "document-entry.lua");

/** What the first line says. */
export interface DocumentHead {
  readonly revision: number;
  /** In Unix milliseconds by Redis's clock. */
  readonly writtenAtMs: number;
  /** `live`, `removed`, or a later version's word. */
  readonly state: string;
  /** As `tenant/id`. */
  readonly author: string;
  readonly reason: string;
}

/** A document as it is stored. */
export interface DocumentEntry extends DocumentHead {
  /** JSON as it was applied; empty where this revision removed it. */
  readonly body: Buffer;
}

const HEAD = /^1 ([0-9]{1,16}) ([0-9]{1,16}) ([a-z][A-Za-z0-9_-]*) (\S+) (\S+)(?: |$)/;

/** Reads the first line; nothing when it is none. */
export function readDocumentHead(line: string): DocumentHead | undefined {
  const [, revision, writtenAt, state = "", author = "", reason = ""] = HEAD.exec(line) ?? [];
  if (revision === undefined || !Number.isSafeInteger(Number(revision))) return undefined;
  return { revision: Number(revision), writtenAtMs: Number(writtenAt), state, author, reason: decodeReason(reason) };
}

/** Reads an entry; nothing when it is none. */
export function readDocumentEntry(entry: string): DocumentEntry | undefined {
  const ends = entry.indexOf("\n");
  const head = ends < 0 ? undefined : readDocumentHead(entry.slice(0, ends));
  return head === undefined ? undefined : { ...head, body: Buffer.from(entry.slice(ends + 1), "utf8") };
}

/** A reason as one word. */
export function encodeReason(reason: string): string {
  if (reason === "-") return "%2D";
  return encodeURIComponent(reason.replace(/\p{Surrogate}/gu, "\ufffd")) || "-";
}

function decodeReason(word: string): string {
  if (word === "-") return "";
  try {
    return decodeURIComponent(word);
  } catch {
    return word; // written by something else
  }
}
