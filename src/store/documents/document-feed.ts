import type { DocumentKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import {
  type FeedPosition,
  lastPosition as lastPositionOf,
  positionAt,
  readFeed,
  START,
} from "../registry/change-feed.js";
import type { DocumentPath } from "./document-ref.js";

/** Where a reader of the documents' changes stands: the last entry of the stream that it knows. */
export type DocumentPosition = FeedPosition;
export { START };

/** How many revisions one read asks for. */
const REVISIONS_PER_READ = 100;
/** How many entries one HMGET asks for: each may have 64 KiB. */
const ENTRIES_PER_READ = 16;
/** How many fields one HSCAN asks for. */
const ENTRIES_PER_SCAN = 50;

/** What has changed since a position. */
export type DocumentChanges =
  | {
      readonly kind: "continuous";
      /** Where the reader stands when it has read this. */
      readonly position: DocumentPosition;
      /** The highest revision among the changes; 0 for none. */
      readonly revision: number;
      /** What was changed. */
      readonly paths: readonly DocumentPath[];
      /** There is more to read. */
      readonly more: boolean;
    }
  /** What happened is not known any more: everything must be read anew. */
  | { readonly kind: "gap" };

/** Reads which documents have changed since a position. */
export async function readDocumentChanges(
  redis: RedisClient,
  keys: DocumentKeys,
  position: DocumentPosition,
): Promise<DocumentChanges> {
  const reading = await readFeed(redis, keys.changes, position, REVISIONS_PER_READ);
  if (reading.kind === "gap") return reading;
  const changes = reading.entries.map(([, fields]) => readChange(fields));
  const last = reading.entries.at(-1);
  return {
    kind: "continuous",
    position: last === undefined ? position : positionAt(last),
    revision: changes.reduce((highest, { revision }) => Math.max(highest, revision), 0),
    paths: [...new Set(changes.flatMap(({ paths }) => paths))],
    more: reading.more,
  };
}

function readChange(fields: readonly string[]): { readonly revision: number; readonly paths: readonly DocumentPath[] } {
  const fieldOf = (name: string): string => {
    for (let at = 0; at + 1 < fields.length; at += 2) if (fields[at] === name) return fields[at + 1] ?? "";
    return "";
  };
  return { revision: revisionOf(fieldOf("revision")), paths: fieldOf("documents").split(" ").filter(Boolean) };
}

/** Where the stream of changes ends. */
export function lastDocumentPosition(redis: RedisClient, keys: DocumentKeys): Promise<DocumentPosition> {
  return lastPositionOf(redis, keys.changes);
}

/** The registry's latest revision; 0 where there is none. */
export async function readRegistryRevision(redis: RedisClient, keys: DocumentKeys): Promise<number> {
  return revisionOf((await redis.hget(keys.documents, "@revision")) ?? "");
}

/** Reads the entries of documents, in the order of their paths; `null` for none. */
export async function* readEntries(
  redis: RedisClient,
  keys: DocumentKeys,
  paths: readonly DocumentPath[],
): AsyncGenerator<readonly [DocumentPath, string | null]> {
  for (let from = 0; from < paths.length; from += ENTRIES_PER_READ) {
    const some = paths.slice(from, from + ENTRIES_PER_READ);
    const entries = await redis.hmget(keys.documents, ...some);
    for (const [index, path] of some.entries()) yield [path, entries[index] ?? null];
  }
}

/** Reads all documents that are there throughout, in no order; one may come twice. */
export async function* scanEntries(
  redis: RedisClient,
  keys: DocumentKeys,
): AsyncGenerator<readonly [DocumentPath, string]> {
  let cursor = "0";
  do {
    const [next, items] = await redis.hscan(keys.documents, cursor, "COUNT", ENTRIES_PER_SCAN);
    for (let at = 0; at + 1 < items.length; at += 2) {
      const path = items[at] ?? "";
      if (!path.startsWith("@")) yield [path, items[at + 1] ?? ""];
    }
    cursor = next;
  } while (cursor !== "0");
}

function revisionOf(text: string): number {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}
