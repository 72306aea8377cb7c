import { fromRedisError } from "../../errors/redis-errors.js";
import type { DocumentStore } from "./apply-documents.js";
import type { DocumentEntry, DocumentHead } from "./document-entry.js";
import { readDocumentEntry, readDocumentHead } from "./document-entry.js";
import { bodyField, headField, REVISIONS_FIELD, readFormerRevisions } from "./document-history.js";
import { type DocumentRef, documentPath } from "./document-ref.js";

/**
 * Reads a document as it is.
 *
 * @returns undefined where there is none, or nothing that can be read
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function readDocument(store: DocumentStore, ref: DocumentRef): Promise<DocumentEntry | undefined> {
  const entry = await asked(store.redis.hget(store.keyspace.documents.documents, documentPath(ref)));
  return entry === null ? undefined : readDocumentEntry(entry);
}

/**
 * Reads a document as it was at one of its revisions.
 *
 * @returns undefined where it never had the revision, or does not keep it any more
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function readRevision(
  store: DocumentStore,
  ref: DocumentRef,
  revision: number,
): Promise<DocumentEntry | undefined> {
  // In this order: what is replaced in between has become a former revision by the second look.
  const current = await readDocument(store, ref);
  if (current?.revision === revision) return current;
  const key = store.keyspace.documents.history(documentPath(ref));
  const [line, body] = await asked(store.redis.hmget(key, headField(revision), bodyField(revision)));
  const head = typeof line === "string" ? readDocumentHead(line) : undefined;
  return head === undefined || typeof body !== "string" ? undefined : { ...head, body: Buffer.from(body, "utf8") };
}

/**
 * Lists a document's revisions, newest first, without contents; empty where there never was one.
 *
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function listRevisions(store: DocumentStore, ref: DocumentRef): Promise<readonly DocumentHead[]> {
  const current = await readDocument(store, ref);
  const key = store.keyspace.documents.history(documentPath(ref));
  const former = readFormerRevisions(await asked(store.redis.hget(key, REVISIONS_FIELD)));
  const lines = former.length === 0 ? [] : await asked(store.redis.hmget(key, ...former.map(headField)));
  const heads = lines.flatMap((line) => (line === null ? [] : (readDocumentHead(line) ?? [])));
  const own = current === undefined || heads.some(({ revision }) => revision === current.revision) ? [] : [current];
  return [...heads, ...own].sort((a, b) => b.revision - a.revision);
}

async function asked<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw fromRedisError(error);
  }
}
