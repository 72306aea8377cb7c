import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type FollowStep, followCall } from "../../../src/gateway/follow-call.js";
import { type CallId, randomCallId } from "../../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import type { Commits } from "../../../src/redis/commits.js";
import type { RedisClient } from "../../../src/redis/redis-client.js";
import { Admissions } from "../../../src/store/calls/admit.js";
import { appendOutput } from "../../../src/store/calls/append-output.js";
import type { CallNotifications } from "../../../src/store/calls/call-notifications.js";
import type { Ending } from "../../../src/store/calls/call-record.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { LargeReadings } from "../../../src/store/calls/large-readings.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { probeCalls, readCall } from "../../../src/store/calls/read-call.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { keys, LONG_MS, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callStore, callsForFile, claimOf, complete, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const KiB = 1_024;
const RESULT = { kind: "result", reason: "" } as const;
/** What may be asked for of large replies and not be there: half a MiB, and one piece more, each with the head of its record. */
const BOUND_BYTES = (512 + 128 + 8) * KiB;

/** A command as it went to Redis. */
interface Asked {
  readonly at: number;
  answeredAt: number;
  bytes: number;
}

/** The bytes of a reply. */
function bytesOf(reply: unknown): number {
  if (Buffer.isBuffer(reply)) return reply.length;
  return Array.isArray(reply) ? reply.reduce((sum: number, part) => sum + bytesOf(part), 0) : 0;
}

/** The store over a connection that notes what is asked for and when its answer is there, in the order of events. */
function watched(before: (commands: readonly Asked[]) => Promise<void> = async () => {}) {
  const { client } = here();
  const commands: Asked[] = [];
  let clock = 0;
  const noting: Pick<RedisClient, "callBuffer"> = {
    async callBuffer(command, args) {
      await before(commands);
      const asked: Asked = { at: clock++, answeredAt: Number.POSITIVE_INFINITY, bytes: 0 };
      commands.push(asked);
      try {
        const reply = await client.callBuffer(command, args);
        asked.bytes = bytesOf(reply);
        return reply;
      } finally {
        asked.answeredAt = clock++;
      }
    },
  };
  const redis = new Proxy(client, {
    get: (real, key) => (key === "callBuffer" ? noting.callBuffer : Reflect.get(real, key)),
  });
  return {
    store: callStore(redis),
    commands,
    /** The most bytes that were asked for and not there whenever something was asked: what its answer was behind. */
    mostBefore: () =>
      Math.max(
        ...commands.map(({ at }) =>
          commands.filter((other) => other.at < at && other.answeredAt > at).reduce((sum, { bytes }) => sum + bytes, 0),
        ),
      ),
  };
}

/** A call that has ended with a result of `bytes` bytes, and can be asked for again. */
async function ended(bytes: number, output: readonly number[] = []) {
  const { client, store, provider } = here();
  const call = admissionOf(provider, { requestDigest: "a" });
  await admit(store, call);
  const taken = (await take(store, provider.lease)).find(({ id }) => id === call.id);
  if (taken === undefined) throw new Error("the call was not taken");
  const claim = claimOf(provider.lease, taken);
  for (const size of output)
    await appendOutput(callStore(client, { maxOutputBytes: 1e9 }), keys, [{ ...claim, data: Buffer.alloc(size, "o") }]);
  const body = randomBytes(bytes);
  await complete(store, [{ ...claim, ...RESULT, body }]);
  return { call, body };
}

/** `count` such calls. */
async function manyEnded(count: number, bytes: number) {
  const calls: Awaited<ReturnType<typeof ended>>[] = [];
  for (let i = 0; i < count; i++) calls.push(await ended(bytes));
  return calls;
}

const readerOf = (client: string, signal = new AbortController().signal) => ({ client, signal });

describe("a large end", () => {
  test.each<
    readonly [string, (store: ReturnType<typeof callStore>, call: ReturnType<typeof admissionOf>) => Promise<unknown>]
  >([
    ["a repeat of the call", async (store, call) => await admit(store, call)],
    ["a reading", async (store, { id }) => await readCall(store, id, {})],
    ["a cancellation", async (store, { id }) => await cancelCall(store, id)],
    ["a lookup", async (store, { id }) => (await probeCalls(store, keys, [id]))[0]],
    [
      "who missed it",
      async (store, { id }) => {
        const head = `${TOOLSET} sum 1 d once ${Date.now()} ${LONG_MS}`;
        return { ending: await new LostCalls(store, SILENT_LOGGER).end({ id, head, attempt: 1 }) };
      },
    ],
  ])("is not in the answer to %s, which says that there is one", async (_who, ask) => {
    const { call } = await ended(256 * KiB);
    const { store, commands } = watched();
    expect(await ask(store, call)).toMatchObject({ ending: { kind: "large" } });
    expect(commands.map(({ bytes }) => bytes).every((bytes) => bytes < KiB)).toBe(true);
  });

  test("that hundreds ask for at once is read once, and they are given the same bytes", async () => {
    const { call, body } = await ended(1_000 * KiB);
    const { store, commands } = watched();
    const readings = new LargeReadings(store);
    const asked = Array.from({ length: 600 }, (_, index) => readings.ending(call.id, readerOf(`peer ${index % 10}`)));
    const ends = await Promise.all(asked);
    expect(ends[0]).toMatchObject({ kind: "result", attempt: 1 });
    expect(ends[0]?.body.equals(body)).toBe(true);
    expect(new Set(ends.map((end) => end?.body)).size).toBe(1);
    // A script that Redis does not know yet is sent twice.
    expect(commands.length).toBeLessThanOrEqual(Math.ceil((1_001 * KiB) / (128 * KiB)) + 1);
    expect(readings.waiting).toBe(0);
    expect((await readings.ending(call.id, readerOf("later")))?.body.equals(body)).toBe(true);
  });

  test("is read in turns: what Redis is asked for meanwhile is behind little, and other connections are not behind one", async () => {
    const calls = await manyEnded(8, 300 * KiB);
    const { store, commands, mostBefore } = watched();
    const readings = new LargeReadings(store);
    const order: string[] = [];
    const read = async (id: CallId, client: string): Promise<void> => {
      await readings.ending(id, readerOf(client));
      order.push(client);
    };
    const [last, ...others] = calls;
    const greedy = others.map(({ call }) => read(call.id, "greedy"));
    const good = read(last?.call.id as CallId, "good");
    // What a good client asks for besides, all the while.
    let asking = true;
    const small = (async () => {
      while (asking) await probeCalls(store, keys, [randomCallId(0, randomBytes)]);
    })();
    await Promise.all([...greedy, good]);
    asking = false;
    await small;
    // Four are under way at once, and it is the first of its connection.
    expect(order.indexOf("good")).toBeLessThan(6);
    expect(commands.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(8 * 300 * KiB);
    expect(mostBefore()).toBeLessThan(BOUND_BYTES);
  });

  test("is handed on a little at a time, and connections take turns", async () => {
    const { call } = await ended(500 * KiB);
    const readings = new LargeReadings(callStore(here().client));
    const told: string[] = [];
    const ask = (client: string) => readings.ending(call.id, readerOf(client)).then(() => told.push(client));
    const greedy = Array.from({ length: 60 }, () => ask("greedy"));
    const good = ask("good");
    let most = 0;
    for (let before = 0; told.length < 61; before = told.length) {
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, told.length - before);
    }
    await Promise.all([...greedy, good]);
    expect(most, "what fills 1 MiB").toBeLessThanOrEqual(3);
    expect(told.indexOf("good")).toBeLessThan(3);
  });

  test("is not read for those that have left", async () => {
    const calls = await manyEnded(8, 20 * KiB);
    const { store, commands } = watched();
    const readings = new LargeReadings(store);
    await readings.ending(calls[0]?.call.id as CallId, readerOf("a")); // Redis knows the script from now on
    const known = commands.length;
    const leaving = new AbortController();
    const why = new Error("it left");
    const stays = readings.ending(calls[7]?.call.id as CallId, readerOf("b"));
    const leaves = calls.map(({ call }) =>
      readings.ending(call.id, readerOf("a", leaving.signal)).catch((error) => error),
    );
    leaving.abort(why);
    expect(await Promise.all(leaves)).toEqual(Array(8).fill(why));
    expect(readings.waiting).toBe(0);
    expect((await stays)?.body.equals(calls[7]?.body as Buffer)).toBe(true);
    expect(
      await readings.ending(calls[0]?.call.id as CallId, readerOf("a", leaving.signal)).catch((error) => error),
    ).toBe(why);
    await until("all that was asked for is there", () =>
      commands.every(({ answeredAt }) => Number.isFinite(answeredAt)),
    );
    // Four were under way when they left; of these, one is the one that stays.
    expect(commands.length - known).toBeLessThanOrEqual(4);
  });

  test("cannot be read while Redis is away: all that wait are told so at once", async () => {
    const calls = await manyEnded(8, 20 * KiB);
    const { redis } = here();
    const own = redis.client({ maxRetriesPerRequest: 0 });
    await own.ping();
    const readings = new LargeReadings(callStore(own));
    await redis.freeze();
    const asked = calls.map(({ call }) => readings.ending(call.id, readerOf("a")));
    const told = Promise.allSettled(asked);
    own.disconnect();
    try {
      expect((await told).map((end) => end.status === "rejected" && end.reason.reason)).toEqual(
        Array(8).fill("STORE_UNAVAILABLE"),
      );
    } finally {
      await redis.thaw();
    }
    expect(readings.waiting).toBe(0);
  });

  test("that is lost while it is read is not mixed with what is written in its place", async () => {
    const { client } = here();
    const { call } = await ended(300 * KiB);
    const key = `${keys.prefix}call:${call.id}`;
    const { store } = watched(async (commands) => {
      if (commands.filter(({ bytes }) => bytes > 100 * KiB).length !== 1) return;
      const [head = ""] = ((await client.getrange(key, 0, 1_000)) as string).split("\n");
      await client.set(key, `${head}\noutcome_unknown STATE_LOST 1 1\n`, "KEEPTTL");
    });
    expect(await new LargeReadings(store).ending(call.id, readerOf("a"))).toMatchObject({ reason: "STATE_LOST" });
    await client.del(key);
    expect(await new LargeReadings(callStore(client)).ending(call.id, readerOf("a"))).toBeUndefined();
  });

  test("is told when the replicas have it", async () => {
    const { call } = await ended(20 * KiB);
    let confirmed = 0;
    const commits: Partial<Commits> = {
      waits: true,
      run: async (redis, script, _shard, names, args) => ({
        reply: (await redis.callBuffer("EVAL", [script.lua, names.length, ...names, ...args])) as Buffer[],
        confirm: async () => {
          confirmed++;
        },
      }),
    };
    const store = callStore(here().client, { commits: commits as Commits }); // all that is used of it
    expect(await new LargeReadings(store).ending(call.id, readerOf("a"))).toMatchObject({ kind: "result" });
    expect(confirmed).toBe(1);
  });
});

describe("ends that are not large", () => {
  test("are in the answers to repeats, as far as they are small together", async () => {
    const calls = await manyEnded(10, 15 * KiB);
    const { store, commands } = watched();
    const settings = { node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32, offer: () => undefined };
    const admissions = new Admissions(store, settings);
    const answers = await Promise.all(calls.map(({ call }) => admissions.admit(call, true)));
    const ends = answers.map((answer) => (answer.kind === "repeated" ? answer.ending : undefined));
    expect(ends.map((end) => end?.kind)).toEqual([...Array(4).fill("result"), ...Array(6).fill("large")]);
    expect((ends[0] as Ending).body).toEqual(calls[0]?.body);
    expect(Math.max(...commands.map(({ bytes }) => bytes))).toBeLessThan(70 * KiB);
  });

  test("that many lookups find are told in several", async () => {
    const calls = await manyEnded(24, 15 * KiB);
    const { store, commands } = watched();
    const ids = calls.map(({ call }) => call.id);
    const kinds = (await probeCalls(store, keys, ids)).map(({ kind }) => kind);
    expect(kinds).toEqual([...Array(17).fill("ended"), ...Array(7).fill("untold")]);
    expect(Math.max(...commands.map(({ bytes }) => bytes))).toBeLessThan(260 * KiB);
  });
});

describe("output", () => {
  test("that many follow at once is read in turns; a piece that is larger than a turn comes, too", async () => {
    const sizes = [...Array<number>(20).fill(100 * KiB), 700 * KiB, 10];
    const { call, body } = await ended(300 * KiB, sizes);
    const { store, commands, mostBefore } = watched();
    const readings = new LargeReadings(store);
    const notification: Pick<CallNotifications, "watch" | "unwatch"> = { watch: () => {}, unwatch: () => {} };
    const settings = {
      ...{ store, readings, node: NODE, notifications: notification as CallNotifications }, // only these are used
      ...{ lost: { end: async () => undefined }, clock: { nowMs: () => Date.now() }, monotonicMs: () => 0 },
    };
    const follow = async (client: string): Promise<FollowStep[]> => {
      const steps: FollowStep[] = [];
      for await (const step of followCall(settings, call.id, "", readerOf(client))) steps.push(step);
      return steps;
    };
    const followed = await Promise.all(Array.from({ length: 20 }, (_, index) => follow(`peer ${index % 3}`)));
    for (const steps of followed) {
      const read = steps.flatMap((step) => (step.kind === "deltas" ? step.deltas.map(({ data }) => data.length) : []));
      expect(read).toEqual(sizes);
      expect(steps.at(-1)).toEqual({ kind: "ended", ending: { kind: "large" } });
    }
    expect(body).toHaveLength(300 * KiB);
    // What was asked for before, and one piece that is larger than a turn.
    expect(mostBefore()).toBeLessThan(BOUND_BYTES + 700 * KiB);
    expect(commands.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(20 * 2_700 * KiB);
  });
});
