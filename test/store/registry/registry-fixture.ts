import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Contract, JsonSchema, SealedContract } from "../../../src/contract/contract.js";
import { sealContract } from "../../../src/contract/seal-contract.js";
import { hashLeaseToken } from "../../../src/identity/lease-token.js";
import {
  type Epoch,
  parseIncarnation,
  parseProviderId,
  parseRegistryName,
  parseToolName,
  parseToolsetName,
} from "../../../src/identity/names.js";
import { createKeyspace, type Keyspace } from "../../../src/redis/keys.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import { type Lease, renewLease } from "../../../src/store/registry/leases.js";
import { recordPongs } from "../../../src/store/registry/pongs.js";
import { type Registered, type Registration, register } from "../../../src/store/registry/register.js";
import type { RegistryStore } from "../../../src/store/registry/registry-store.js";
import type { ToolsetRecord } from "../../../src/store/registry/toolset-record.js";
import { forEachTest } from "../../support/for-each-test.js";
import { redisForFile, type TestRedis } from "../../support/redis.js";
import { readStoredHealth } from "../../support/stored-values.js";

/** Long enough for a test never to meet its end, in milliseconds. */
export const LONG_MS = 60_000;

export const TOOLSET = parseToolsetName("math", "name");
export const keyspace: Keyspace = createKeyspace(parseRegistryName("test", "registry"), 1);
export const keys = keyspace.forToolset(TOOLSET);

/** The registry's scripts on a Redis, by a client as nodes have it. */
export function registryStore(redis: RedisClient, healthWindowMs = LONG_MS): RegistryStore {
  return { redis, keyspace, healthWindowMs };
}

/** What each test of a file has that has called `registryForFile`: the file's Redis, a client of it, and the registry's scripts on that. */
export interface TestRegistry {
  readonly redis: TestRedis;
  readonly client: Redis;
  readonly registry: RegistryStore;
}

/**
 * A Redis for a whole test file, as `redisForFile` gives it, with a client and the registry's scripts for each of its tests.
 *
 *     const here = registryForFile();
 *     test("...", async () => { const { client, registry } = here(); });
 */
export function registryForFile(): () => TestRegistry {
  const redis = redisForFile();
  return forEachTest(
    () => {
      const client = redis().client();
      return { redis: redis(), client, registry: registryStore(client) };
    },
    ({ client }) => client.disconnect(),
  );
}

/** A contract with one tool, `sum`, of a version; contracts of other descriptions have other digests. */
export function contractOf(
  version: string,
  description = "adds",
  payload: JsonSchema = { type: "object" },
): SealedContract {
  const contract: Contract = {
    name: TOOLSET,
    version,
    description,
    tags: [],
    tools: [{ name: parseToolName("sum", "name"), description: "", tags: [], payload, delivery: "once" }],
  };
  return sealContract(contract);
}

/** A registration of one provider with the options that most tests want. */
export function registrationOf(
  sealed: SealedContract,
  provider = "p1",
  more: Partial<Registration["options"]> & {
    readonly incarnation?: string;
    readonly owner?: string;
    readonly leaseMs?: number;
  } = {},
): Registration {
  const { incarnation = "i1", owner = "default/anonymous", leaseMs = LONG_MS, ...options } = more;
  return {
    toolset: sealed.contract.name,
    owner,
    administers: false,
    sealed,
    provider: parseProviderId(provider, "provider"),
    incarnation: parseIncarnation(incarnation, "incarnation"),
    tokenHash: hashLeaseToken(randomUUID()),
    leaseMs,
    maxToolsets: 1_000,
    toolsetsElsewhere: 0,
    options: {
      replace: false,
      activateAt: 0.5,
      maxBacklog: 100,
      retentionMs: LONG_MS,
      retireAfterMs: LONG_MS,
      ...options,
    },
  };
}

/** Registers, attaches with room and pongs: what a provider does until it serves. */
export async function serve(
  store: RegistryStore,
  registration: Registration,
  room = 10,
  session = "s1",
): Promise<Registered> {
  const registered = await register(store, registration);
  await attach(store, registered.lease, room, session);
  await pong(store, registered.lease);
  return registered;
}

export function attach(store: RegistryStore, lease: Lease, room: number, session = "s1"): Promise<unknown> {
  return renewLease(store, LONG_MS, { lease, room, routing: "keep", session });
}

export async function pong(store: RegistryStore, lease: Lease): Promise<string | undefined> {
  return (await recordPongs(store, keys, [lease]))[0];
}

export async function recordOf(redis: RedisClient): Promise<ToolsetRecord | undefined> {
  const json = await redis.hget(keys.toolsets, TOOLSET);
  return json === null ? undefined : (JSON.parse(json) as ToolsetRecord); // written by the scripts under test
}

/** State by epoch. */
export async function statesOf(redis: RedisClient): Promise<Record<string, string>> {
  const record = await recordOf(redis);
  return Object.fromEntries((record?.epochs ?? []).map(({ epoch, state }) => [epoch, state]));
}

/** What was announced, oldest first, as "kind epoch". */
export async function changesOf(redis: RedisClient): Promise<string[]> {
  const entries = await redis.xrange(keys.changes, "-", "+", "COUNT", 1_000);
  return entries.map(([, fields]) => `${fields[1]} ${fields[5]}`);
}

export async function healthOf(redis: RedisClient, epoch: Epoch) {
  const health = await readStoredHealth(redis, await redis.hget(keys.health, `${TOOLSET}@${epoch}`));
  return health === undefined ? undefined : { ...health, announced: health.announced === "1" };
}
