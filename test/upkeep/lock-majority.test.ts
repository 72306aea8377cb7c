import type { Redis } from "ioredis";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { Leader } from "../../src/upkeep/leader.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const TTL_MS = 2_000;
const KEY = "toolgate:{test/0}:pinger";

/** The first one is the cluster's Redis too; three others vote. */
let store: TestRedis;
let voters: TestRedis[];
let connections: RedisConnections;
let leader: Leader;
beforeEach(async () => {
  [store, ...voters] = await Promise.all([privateRedis(), privateRedis(), privateRedis(), privateRedis()]);
  connections = createConnections({
    redisUrl: store.url,
    lockUrls: voters.map(({ url }) => url),
    lockTtlMs: TTL_MS,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  await until("the voters can be asked", () => connections.locks.every(({ ready }) => ready));
  leader = new Leader({
    clients: connections.locks.map(({ client }) => client),
    key: KEY,
    ttlMs: TTL_MS,
    monotonicMs: () => performance.now(),
    random: () => 0.5,
    log: SILENT_LOGGER,
    onElected: () => {},
  });
});
afterEach(async () => {
  await leader.stop();
  await connections.stop();
  await Promise.all([store, ...voters].map((redis) => redis.stop()));
});

const voter = (index: number): TestRedis => voters[index] as TestRedis; // there are three
async function ask<T>(redis: TestRedis, question: (client: Redis) => Promise<T>): Promise<T> {
  const client = redis.client();
  try {
    return await question(client);
  } finally {
    client.disconnect();
  }
}
const lockAt = (redis: TestRedis) => ask(redis, (client) => client.get(KEY));
/** When the lock ends there, in Unix milliseconds by that server's clock; negative where there is none. */
const lockEndsAt = (redis: TestRedis) => ask(redis, (client) => client.pexpiretime(KEY));

test("the lock is at the voters, and nowhere else", async () => {
  leader.start();
  await until("it leads", () => leader.leads);
  const locks = await Promise.all(voters.map(lockAt));
  expect(new Set(locks).size).toBe(1);
  expect(locks[0]).not.toBeNull();
  expect(await lockAt(store)).toBeNull();
});

test("one frozen voter of three does not hold up the election", async () => {
  // A voter that does not answer is waited for a tenth of the time for which the lock holds.
  for (const { options } of connections.locks.flatMap((lock) => lock.masters()))
    expect(options.commandTimeout).toBe(TTL_MS / 10);
  await voter(0).freeze();
  leader.start();
  await until("it leads", () => leader.leads);
  const [, one, other] = await Promise.all([null, lockAt(voter(1)), lockAt(voter(2))]);
  expect(one).toBe(other);
  const firstEndMs = await lockEndsAt(voter(1));
  // It goes on: the frozen one is given up, and the lock is extended without it.
  await until("its lock was extended past its first time to live", async () => {
    return leader.leads && (await lockEndsAt(voter(1))) > firstEndMs + TTL_MS;
  });
  await voter(0).thaw();
});

test("without two of three nobody leads, until one is back", async () => {
  leader.start();
  await until("it leads", () => leader.leads);
  await Promise.all([voter(0).kill(), voter(1).kill()]);
  await until("it leads no more", () => !leader.leads);
  await voter(1).restart();
  await until("it leads again", () => leader.leads);
});
