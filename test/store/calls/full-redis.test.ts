import { afterEach, expect, test } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import { parseRegistryName } from "../../../src/identity/names.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { createKeyspace, type ShardKeys } from "../../../src/redis/keys.js";
import { MemoryWatch } from "../../../src/redis/memory-watch.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import { appendOutput } from "../../../src/store/calls/append-output.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { renewClaims } from "../../../src/store/calls/renew-claims.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { resumeCalls } from "../../../src/store/calls/take.js";
import { releaseLease, renewLease } from "../../../src/store/registry/leases.js";
import { emitPings } from "../../../src/store/registry/ping-slot.js";
import { unregister } from "../../../src/store/registry/unregister.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { keys, LONG_MS, pong, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callsForFile, claimOf, complete, endingOf, NODE, take, takerOf } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();
afterEach(() => here().client.config("SET", "maxmemory", "0"));

/** From now on Redis refuses whatever needs memory. */
const fill = () => here().client.config("SET", "maxmemory", "1mb");

test("a full Redis refuses new calls, definitely, and those that it has end as they would otherwise", async () => {
  const { client, registry, store, provider } = here();
  const calls = Array.from({ length: 4 }, (_, i) => admissionOf(provider, i === 3 ? { timeoutMs: 300 } : {}));
  for (const call of calls) await admit(store, call);
  await fill();
  await expect(client.set("x", "y")).rejects.toThrow("OOM");
  await expect(admit(store, admissionOf(provider))).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    executed: "no",
  });

  const [first, second, third] = await take(store, provider.lease, 3);
  if (first === undefined || second === undefined || third === undefined) throw new Error("three were to be taken");
  const [one, two] = [claimOf(provider.lease, first), claimOf(provider.lease, second)];
  const heard = { ...one, toolset: TOOLSET, epoch: provider.lease.epoch };
  expect(await renewClaims(store, keys, NODE, [heard])).toEqual(["held"]);
  expect(await pong(registry, provider.lease)).toBe("awaited");
  await renewLease(registry, LONG_MS, { lease: provider.lease, room: 0, routing: "keep", session: "" });
  expect(await emitPings(registry, keys, 1, NODE, 1_000, [{ toolset: TOOLSET, epoch: provider.lease.epoch }])).toBe(
    true,
  );
  const resumed = await resumeCalls(store, NODE, TOOLSET, provider.lease.epoch, takerOf(provider.lease), [one]);
  expect(resumed).toMatchObject({ kept: [{ id: one.id }], undelivered: [{ id: two.id }, { id: third.id }] });

  const body = Buffer.alloc(100_000, "1");
  const completions = [one, two].map((claim) => ({ ...claim, kind: "result", reason: "", body }) as const);
  expect(await complete(store, completions)).toEqual(["accepted", "accepted"]);
  expect(await endingOf(store, one.id)).toMatchObject({ kind: "result" });
  expect(await cancelCall(store, third.id)).toEqual({ kind: "told" });
  await client.del(keys.call(third.id));
  expect(await new LostCalls(store, SILENT_LOGGER).end(third)).toMatchObject({ reason: "STATE_LOST" });
  await until("the last one is settled", async () => (await settleCalls(store, keys)).ended === 1);
  expect(await releaseLease(registry, provider.lease)).toBe(true);
  await unregister(registry, TOOLSET, provider.lease.epoch, "default/anonymous", 1_000);
});

test("a full Redis keeps no more output", async () => {
  const { store, provider } = here();
  await admit(store, admissionOf(provider));
  const [call] = await take(store, provider.lease);
  if (call === undefined) throw new Error("one was to be taken");
  await fill();
  const output = { ...claimOf(provider.lease, call), data: Buffer.from("1") };
  await expect(appendOutput(store, keys, [output])).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    executed: "no",
  });
});

test("nodes know when Redis is nearly full, and when it has room again", async () => {
  const { client } = here();
  const watch = new MemoryWatch({ redis: client, shards: [keys], log: SILENT_LOGGER });
  await watch.start();
  expect(watch.full(keys), "without a limit it never is").toBe(false);
  const used = Number(/used_memory:(\d+)/.exec(await client.info("memory"))?.[1]);
  await client.config("SET", "maxmemory", String(Math.round(used * 1.05)));
  await until("it is full above nine tenths", () => watch.full(keys));
  await client.config("SET", "maxmemory", String(used * 2));
  await until("it has room", () => !watch.full(keys));
  await watch.stop();
});

test("a master that does not answer keeps nobody from knowing that another one is full", async () => {
  const { shards } = createKeyspace(parseRegistryName("default", "registry"), 3);
  const [frozen, full, roomy] = shards as [ShardKeys, ShardKeys, ShardKeys]; // as many as asked for
  let started = false;
  const thawed = deferred();
  const answers = new Map([
    [frozen.prefix, () => (started ? thawed.promise.then(() => [1, 100]) : [1, 100])],
    [full.prefix, () => [started ? 99 : 1, 100]],
    [roomy.prefix, () => [1, 100]],
  ]);
  const client = { callBuffer: async (_name: string, args: readonly unknown[]) => answers.get(String(args[2]))?.() };
  const watch = new MemoryWatch({ redis: client as unknown as RedisClient, shards, log: SILENT_LOGGER }); // all that it uses
  await watch.start();
  started = true;
  await until("it is known", () => watch.full(full));
  expect([frozen, roomy].map((shard) => watch.full(shard))).toEqual([false, false]);
  thawed.resolve();
  await watch.stop();
});
