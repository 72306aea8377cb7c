import type { Redis } from "ioredis";
import { Type } from "typebox";
import type { DocumentParts } from "../../src/documents/apply-documents.js";
import { DocumentKinds } from "../../src/documents/document-kinds.js";
import { DocumentsCopy } from "../../src/documents/documents-copy.js";
import { schemaKind } from "../../src/documents/schema-kind.js";
import type { LogFields } from "../../src/observe/logger.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections } from "../../src/redis/connections.js";
import { documentStore, keyspace } from "../store/documents/documents-fixture.js";
import type { TestRedis } from "../support/redis.js";

/** A kind of these tests' own. */
export const NOTE = schemaKind({
  kind: "note",
  schema: Type.Object({
    text: Type.String({ maxLength: 60_000 }),
    tags: Type.Optional(Type.Array(Type.Object({ name: Type.String() }))),
  }),
  check: ({ text }) => (text === "forbidden" ? [{ field: "/text", description: "must be allowed" }] : []),
});

/** Another one, with a secret. */
export const SAFE = schemaKind({
  kind: "safe",
  schema: Type.Object({ hash: Type.String(), roles: Type.Array(Type.String()) }),
  redact: (body) => ({ ...(body as object), hash: undefined }), // an object: the service reads nothing else
  restore: (body, former) =>
    "hash" in (body as object) ? body : { hash: (former as { hash: unknown }).hash, ...(body as object) }, // likewise
});

export const KINDS = new DocumentKinds([NOTE, SAFE]);

export interface OpenDocuments {
  readonly copy: DocumentsCopy;
  readonly parts: DocumentParts;
  readonly log: LogFields[];
  /** What was told to have changed, as paths. */
  readonly changed: string[][];
  stop(): Promise<void>;
}

/** A copy with connections of its own, as a node has them. @param more see `DocumentsCopyOptions` */
export async function openDocuments(
  redis: Pick<TestRedis, "url">,
  more: { readonly lookMs?: number; readonly checks?: DocumentParts["checks"]; readonly deaf?: boolean } = {},
): Promise<OpenDocuments> {
  const connections = createConnections({
    redisUrl: redis.url,
    lockTtlMs: 5_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  const log: LogFields[] = [];
  const note = (fields: LogFields) => void log.push(fields);
  const { client } = connections.command;
  const copy = new DocumentsCopy({
    redis: client,
    subscriber: more.deaf ? { subscribe: async () => () => {}, onGap: () => () => {} } : connections.subscriber,
    keyspace,
    kinds: KINDS,
    log: { info: note, warn: note, error: note },
    monotonicMs: () => performance.now(),
    ...(more.lookMs === undefined ? {} : { lookMs: more.lookMs }),
  });
  const stop = async () => {
    await copy.stop();
    await connections.stop();
  };
  const changed: string[][] = [];
  copy.onChange((refs) => changed.push(refs.map(({ tenant, kind, name }) => `${tenant}/${kind}/${name}`)));
  try {
    await copy.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const parts = { store: documentStore(client), kinds: KINDS, copy, checks: more.checks ?? [] };
  return { copy, parts, log, changed, stop };
}

/** The texts of all notes, by path. */
export function textsOf(copy: DocumentsCopy): Record<string, string> {
  return Object.fromEntries(
    [...copy.all(NOTE)].map(({ ref, spec }) => [`${ref.tenant}/${ref.name}`, spec.text] as const).sort(),
  );
}

export type { Redis };
