import { afterEach, expect, test } from "vitest";
import type { RedisMember } from "../../src/local-cluster/redis-member.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis } from "../support/redis.js";
import { loneSentinel, tellSentinel } from "../support/redis-groups.js";
import { until } from "../support/until.js";

expectNoLeaks();
const NAME = "one";

const started: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop();
});

async function begin<T extends { stop(): Promise<void> }>(one: Promise<T>): Promise<T> {
  const begun = await one;
  started.push(begun);
  return begun;
}

/** A Redis that knows its own port, as it is seen from outside. All of them call themselves masters. */
async function server(): Promise<number> {
  const redis = await begin(privateRedis());
  const { port } = new URL(redis.url);
  await redis.client().hset("self", "port", port);
  return Number(port);
}

function connectionsTo(sentinels: readonly RedisMember[], name = NAME) {
  const readiness: boolean[] = [];
  const connections = createConnections({
    redisUrl: `redis+sentinel://${sentinels.map(({ address }) => address).join()}/${name}`,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: (ready) => void readiness.push(ready),
  });
  started.push(connections);
  return { connections, readiness };
}

/** The port of the server that commands reach. */
async function reached({ command }: RedisConnections): Promise<number> {
  return Number(await command.client.hget("self", "port"));
}

/** Asks until commands reach a server. */
function untilReached(connections: RedisConnections, port: number): Promise<unknown> {
  return until("commands reach the next master", async () => (await reached(connections)) === port);
}

test("of Sentinels that disagree the one with the newest word is believed, at once, and what stands is not cut", async () => {
  const [old, now, next] = await Promise.all([server(), server(), server()]);
  const behind = await begin(loneSentinel({ name: NAME, port: old, configEpoch: 3 }));
  const ahead = await begin(loneSentinel({ name: NAME, port: now, configEpoch: 5 }));
  const silent = await begin(loneSentinel({ name: NAME, port: old, configEpoch: 9 }));
  silent.freeze();
  const { connections, readiness } = connectionsTo([silent, behind, ahead]);
  await connections.start();
  expect(await reached(connections)).toBe(now);
  let gaps = 0;
  connections.subscriber.onGap(() => gaps++);

  // It hears of the same failover later, and tells of it.
  await tellSentinel(behind, { name: NAME, port: now, configEpoch: 5 });
  // The other one has not heard of this, and goes on naming the master before.
  await tellSentinel(behind, { name: NAME, port: next, configEpoch: 7 });
  await untilReached(connections, next);
  await until("channels do, too", () => gaps > 0);
  // Commands and channels are cut each by themselves, at once or one after the other.
  await until("both are ready", () => readiness.at(-1) === true);
  const before = [...readiness];
  await tellSentinel(ahead, { name: NAME, port: old, configEpoch: 6 });
  await connections.command.masterOf("any").ping();
  expect(await reached(connections)).toBe(next);
  expect(readiness).toEqual(before);
});

test("Sentinels that are all lost take nothing away, and are heard again when they are back", async () => {
  const [now, next] = await Promise.all([server(), server()]);
  const sentinel = await begin(loneSentinel({ name: NAME, port: now, configEpoch: 0 }));
  const { connections, readiness } = connectionsTo([sentinel]);
  await connections.start();
  await sentinel.kill();
  expect(await reached(connections)).toBe(now);
  await sentinel.start();
  await tellSentinel(sentinel, { name: NAME, port: next, configEpoch: 1 });
  await untilReached(connections, next);
  expect(readiness).toEqual([true, false, true]);
});

test("a name that no Sentinel knows is told at the start", async () => {
  const sentinel = await begin(loneSentinel({ name: NAME, port: await server(), configEpoch: 0 }));
  const { connections } = connectionsTo([sentinel], "another");
  await expect(connections.start()).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    message: expect.stringContaining('no Sentinel names a master "another": ERR No such master with that name'),
  });
});
