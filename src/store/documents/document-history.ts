import { readLua } from "../../redis/lua-file.js";

/**
 * A document's history is a hash of its former revisions: `<revision>` → the first line of what its entry was, `<revision>:body` → its
 * content, and `revisions` → `1 <revision>:<bytes> …`, the oldest first. The first word is the number of the format.
 *
 * The revision that a document has now stands in its entry alone; that of a document that was removed is the last of its history.
 */

/** The most bytes of former contents of one document; the latest is kept however long it is. */
export const MAX_HISTORY_BYTES = 1_048_576;

/** Lua that reads and writes a history. Its user defines `prefix`. */
export const DOCUMENT_HISTORY_LUA = readLua(import.meta.url, "document-history.lua");

/** The fields of a former revision. */
export const headField = (revision: number): string => String(revision);
export const bodyField = (revision: number): string => `${revision}:body`;
/** The field that lists them. */
export const REVISIONS_FIELD = "revisions";

/** The former revisions that a list names, oldest first. */
export function readFormerRevisions(list: string | null): readonly number[] {
  const [, revisions = ""] = /^1 ([0-9: ]*)$/.exec(list ?? "") ?? [];
  return [...revisions.matchAll(/([0-9]{1,16}):[0-9]+/g)].map(([, revision]) => Number(revision));
}
