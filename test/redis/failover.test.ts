import { afterEach, describe, expect, test } from "vitest";
import type { RedisMember } from "../../src/local-cluster/redis-member.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { defineScript, runScript } from "../../src/redis/script.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateCluster, privateSentinel } from "../support/redis-groups.js";
import { until } from "../support/until.js";

expectNoLeaks();
const ADD = defineScript("ADD", "return redis.call('SADD', KEYS[1], ARGV[1])");
/** One key for each of the parts over which a registry is spread. */
const KEYS = Array.from({ length: 16 }, (_, shard) => `toolgate:{default/${shard}}:written`);
const CHANNELS = KEYS.map((key) => `${key}:news`);

const started: { stop(): Promise<void> | void }[] = [];
afterEach(async () => {
  for (const one of started.splice(0).reverse()) await one.stop();
});

async function connectTo(redisUrl: string): Promise<RedisConnections> {
  const connections = createConnections({ redisUrl, lockTtlMs: 1_000, log: SILENT_LOGGER, onReady: () => {} });
  started.push(connections);
  await connections.start();
  return connections;
}

/** What a load of writes saw: which were acknowledged. */
interface Load {
  readonly acknowledged: Map<string, Set<string>>;
  stop(): Promise<void>;
}

/** Writes to every key, each again and again, never the same value twice. */
function drive({ command }: RedisConnections): Load {
  const acknowledged = new Map(KEYS.map((key) => [key, new Set<string>()]));
  let running = true;
  const writers = KEYS.map(async (key) => {
    for (let i = 0; running; i++) {
      try {
        // A value that was there before was sent twice.
        if ((await runScript(command.client, ADD, [key], [i])) !== 1) throw new Error(`${key} had ${i} before`);
        acknowledged.get(key)?.add(String(i));
      } catch (error) {
        if ((error as { reason?: string }).reason !== "STORE_UNAVAILABLE") throw error;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const load: Load = {
    acknowledged,
    stop: async () => {
      running = false;
      await Promise.all(writers);
    },
  };
  started.push(load);
  return load;
}

/** How long one trial may take, in milliseconds, before there is another one. */
const TRIAL_MS = 1_000;

/** Resolves when every key can be written and every channel is heard. */
async function recovery({ command, subscriber }: RedisConnections, happen: () => unknown) {
  const heard = new Set<string>();
  for (const channel of CHANNELS) await subscriber.subscribe(channel, (message) => heard.add(`${channel} ${message}`));
  let gaps = 0;
  subscriber.onGap(() => gaps++);
  await happen();
  let round = 0;
  await until(
    "everything works again",
    async () => {
      const now = ++round;
      const trials = CHANNELS.map(async (channel, i) => {
        await runScript(command.client, ADD, [KEYS[i] ?? ""], [`after ${now}`]);
        await command.masterOf(channel).spublish(channel, String(now));
        await until("it is heard", () => heard.has(`${channel} ${now}`), { everyMs: 2, withinMs: TRIAL_MS });
      });
      // A trial on a connection that is about to be given up says nothing about the next one.
      const all = Promise.all(trials).then(
        () => true,
        () => false,
      );
      return command.ready && gaps > 0 && (await Promise.race([all, after(TRIAL_MS)]));
    },
    { withinMs: 30_000 },
  );
}
const after = (ms: number) => new Promise<false>((resolve) => setTimeout(() => resolve(false), ms));

/** A write, or what it says of itself when the node's event loop has turned and the write has still not ended. */
function atOnce(write: Promise<unknown>): Promise<unknown> {
  return Promise.race([write, turns(TURNS_AT_ONCE).then(() => "it waits")]);
}
/** Turns of the event loop in which all ends that waits for no timer and no server. */
const TURNS_AT_ONCE = 10;
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("Sentinel", () => {
  test.each(["killed", "frozen"] as const)(
    "a master that is %s under load: its replica is found when the Sentinels say so, and nothing is sent twice",
    async (how) => {
      const group = await privateSentinel();
      started.push(group);
      const connections = await connectTo(group.url);
      const load = drive(connections);
      const master = await group.master();
      await recovery(connections, () => strike(master, how));
      await load.stop();
      // The node may have heard of it sooner than the one that is asked here.
      await until("all say so", async () => (await group.master()) !== master);
    },
  );

  test("while the Sentinels have not decided, a call is refused at once", async () => {
    const group = await privateSentinel({ downAfterMs: 30_000 });
    started.push(group);
    const connections = await connectTo(group.url);
    await (await group.master()).kill();
    await until("the node knows", () => !connections.ready());
    const write = runScript(connections.command.client, ADD, ["x"], ["1"]);
    await expect(atOnce(write)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
  });

  test("a master that became a replica behind the client's back is left, and the write is not sent again", async () => {
    const group = await privateSentinel({ downAfterMs: 30_000 });
    started.push(group);
    const connections = await connectTo(group.url);
    const [master, replica] = group.members as [RedisMember, RedisMember];
    await master.query((redis) => redis.replicaof("127.0.0.1", replica.port));
    await expect(runScript(connections.command.client, ADD, ["x"], ["1"])).rejects.toMatchObject({
      reason: "STORE_UNAVAILABLE",
      executed: "no",
      message: expect.stringContaining("READONLY"),
    });
  });
});

describe("Cluster", () => {
  test.each(["killed", "frozen"] as const)(
    "a master that is %s under load: its replica is found when the others do, and nothing is sent twice",
    async (how) => {
      const cluster = await privateCluster({ replicas: 1 });
      started.push(cluster);
      const connections = await connectTo(cluster.url);
      const load = drive(connections);
      const master = await cluster.masterOf(KEYS[0] ?? "");
      await recovery(connections, () => strike(master, how));
      await load.stop();
      await until("all say so", async () => (await cluster.masterOf(KEYS[0] ?? "")) !== master);
    },
  );

  test("a slot that moves: what comes meanwhile is refused or done, never lost, and channels move along", async () => {
    const cluster = await privateCluster();
    started.push(cluster);
    const connections = await connectTo(cluster.url);
    const load = drive(connections);
    const [key = ""] = KEYS;
    const source = await cluster.masterOf(key);
    const target = cluster.members.find((member) => member !== source) as RedisMember; // one of three
    await recovery(connections, () => moveSlot(key, source, target, cluster.members));
    await load.stop();
    expect(await cluster.masterOf(key)).toBe(target);
    const stored = new Set(await target.query((redis) => redis.smembers(key)));
    expect([...(load.acknowledged.get(key) ?? [])].filter((value) => !stored.has(value))).toEqual([]);
  });

  test("a command whose reply is lost is unknown, and never sent again", async () => {
    const cluster = await privateCluster();
    started.push(cluster);
    const connections = await connectTo(cluster.url);
    const [key = ""] = KEYS;
    const master = await cluster.masterOf(key);
    const INCREASE = defineScript("INCREASE", "return redis.call('INCR', KEYS[1])");
    await runScript(connections.command.client, INCREASE, [`${key}:n`], []);
    master.freeze();
    const lost = runScript(connections.command.client, INCREASE, [`${key}:n`], []).catch((error: unknown) => error);
    await new Promise((resolve) => setImmediate(resolve)); // it is written
    connections.command.masterOf(key).stream.destroy();
    expect(await lost).toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
    master.thaw();
    await until("it was applied", async () => (await master.query((redis) => redis.get(`${key}:n`))) === "2");
    await until("commands can be sent again", () => connections.ready());
    await runScript(connections.command.client, ADD, [key], ["other"]);
    expect(await master.query((redis) => redis.get(`${key}:n`))).toBe("2");
  });

  test("without a master for some slots a call to them is refused at once, and the others go on", async () => {
    const cluster = await privateCluster({ args: ["--cluster-require-full-coverage", "no"] });
    started.push(cluster);
    const connections = await connectTo(cluster.url);
    const [key = ""] = KEYS;
    const master = await cluster.masterOf(key);
    await master.kill();
    await until("the node knows", () => !connections.ready());
    const write = runScript(connections.command.client, ADD, [key], ["1"]);
    await expect(atOnce(write)).rejects.toMatchObject({ executed: "no" });
    let served = 0;
    for (const other of KEYS) {
      await runScript(connections.command.client, ADD, [other], ["1"]).then(
        () => served++,
        () => {},
      );
    }
    expect(served).toBeGreaterThan(0);
    await master.start();
    await until("commands can be sent again", () => connections.ready());
  });
});

async function strike(master: RedisMember, how: "killed" | "frozen"): Promise<void> {
  if (how === "killed") await master.kill();
  else master.freeze();
}

/** Moves a slot as an operator's tool does. */
async function moveSlot(key: string, source: RedisMember, target: RedisMember, all: readonly RedisMember[]) {
  const id = (member: RedisMember) => member.query(async (redis) => String(await redis.call("CLUSTER", "MYID")));
  const [from, to] = [await id(source), await id(target)];
  const slot = String(await source.query((redis) => redis.call("CLUSTER", "KEYSLOT", key)));
  await target.query((redis) => redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", from));
  await source.query((redis) => redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", to));
  await source.query(async (redis) => {
    for (;;) {
      const keys = (await redis.call("CLUSTER", "GETKEYSINSLOT", slot, "100")) as string[];
      if (keys.length === 0) break;
      await redis.call("MIGRATE", "127.0.0.1", target.port, "", "0", "5000", "KEYS", ...keys);
    }
  });
  const others = all.filter((member) => member !== target);
  for (const member of [target, ...others]) {
    await member.query((redis) => redis.call("CLUSTER", "SETSLOT", slot, "NODE", to));
  }
}
