import type { Redis } from "ioredis";
import { parseRegistryName } from "../../../src/identity/names.js";
import { DEFAULT_TENANT, parseTenantName, type TenantName } from "../../../src/identity/tenant.js";
import { FAST_COMMITS } from "../../../src/redis/commits.js";
import { createKeyspace, type Keyspace } from "../../../src/redis/keys.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import {
  type ApplyAnswer,
  applyStoredChanges,
  type DocumentStore,
  type StoredChange,
  type StoredChanges,
} from "../../../src/store/documents/apply-documents.js";
import type { DocumentRef } from "../../../src/store/documents/document-ref.js";
import { forEachTest } from "../../support/for-each-test.js";
import { redisForFile, type TestRedis } from "../../support/redis.js";

export const ACME: TenantName = parseTenantName("acme", "tenant");
export const keyspace: Keyspace = createKeyspace(parseRegistryName("default", "registry"), 1);

/** A document's name; of the default tenant unless said. */
export function refOf(path: string, tenant: TenantName = DEFAULT_TENANT): DocumentRef {
  const [kind = "", name = ""] = path.split("/");
  return { tenant, kind, name };
}

export function documentStore(redis: RedisClient): DocumentStore {
  return { redis, commits: FAST_COMMITS, keyspace };
}

export interface TestDocuments {
  readonly redis: TestRedis;
  readonly client: Redis;
  readonly store: DocumentStore;
}

/** A Redis for a whole test file, with a client and the documents' store for each of its tests. */
export function documentsForFile(): () => TestDocuments {
  const redis = redisForFile();
  return forEachTest(
    () => {
      const client = redis().client();
      return { redis: redis(), client, store: documentStore(client) };
    },
    ({ client }) => client.disconnect(),
  );
}

/** A change as tests say it: the content as a value, or as the text itself. */
export interface TestChange {
  readonly ref: DocumentRef;
  readonly body?: unknown;
  readonly expect?: number;
  readonly history?: number;
}

export function changeOf({ ref, body, expect, history = 100 }: TestChange): StoredChange {
  const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
  return {
    ref,
    body: text === undefined ? undefined : Buffer.from(text),
    expectRevision: expect,
    history,
  };
}

export function apply(
  store: DocumentStore,
  changes: readonly TestChange[],
  more: Partial<Omit<StoredChanges, "changes">> = {},
): Promise<ApplyAnswer> {
  return applyStoredChanges(store, {
    author: "default/tester",
    reason: "a test",
    dryRun: false,
    judgedBy: undefined,
    above: 0,
    ...more,
    changes: changes.map(changeOf),
  });
}
