import { describe, expect, test } from "vitest";
import type { Epoch } from "../../../src/identity/names.js";
import { type Lease, releaseLease, renewLease, renewLeases } from "../../../src/store/registry/leases.js";
import { recordPongs } from "../../../src/store/registry/pongs.js";
import { register } from "../../../src/store/registry/register.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { readStoredProvider, storedHealth, storedProvider } from "../../support/stored-values.js";
import { until } from "../../support/until.js";
import {
  attach,
  contractOf,
  healthOf,
  keys,
  LONG_MS,
  pong,
  registrationOf,
  registryForFile,
  serve,
  statesOf,
  TOOLSET,
} from "./registry-fixture.js";

expectNoLeaks();
const here = registryForFile();

const V1 = contractOf("1.0.0");
const V2 = contractOf("2.0.0", "adds better");

/** What the health of an epoch should say, from all of its leases and providers, one by one. */
async function summedUp(epoch: Epoch): Promise<{ readonly room: number; readonly live: number }> {
  const { client } = here();
  const leases = await client.zrange(keys.leases(TOOLSET, epoch), "0", "-1", "WITHSCORES");
  let room = 0;
  let live = 0;
  for (let index = 0; index < leases.length; index += 2) {
    const [provider = "", incarnation] = leases[index]?.split("/") ?? [];
    const entry = await readStoredProvider(client, await client.hget(keys.providers(TOOLSET, epoch), provider));
    if (entry === undefined || entry.incarnation !== incarnation || entry.stage === "1" || entry.room === 0) continue;
    if (entry.stage !== "2") room += entry.room;
    live = Math.max(live, Number(leases[index + 1]));
  }
  return { room, live };
}

async function expectSummedUp(epoch: Epoch, what: string): Promise<void> {
  const { room, live } = await summedUp(epoch);
  const health = await healthOf(here().client, epoch);
  expect(health?.room, `room after ${what}`).toBe(room);
  // Without a live provider it says since when there is none.
  if (live > 0) expect(health?.live, `live after ${what}`).toBe(live);
  else expect(health?.live, `live after ${what}`).toBeLessThanOrEqual(Date.now() + 1_000);
}

/** A generator that gives the same numbers in each run (https://prng.di.unimi.it/splitmix64.c, cut to 32 bits). */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
}

describe("what an epoch's leases come to", () => {
  test.each([1, 2, 3])("is right after whatever was done to them (seed %i)", async (seed) => {
    const { client, registry } = here();
    const random = seededRandom(seed);
    const below = (bound: number) => Math.floor(random() * bound);
    const leases = new Map<string, Lease>();
    let epoch = 0 as Epoch;
    for (let step = 0; step < 150; step++) {
      const provider = `p${below(8)}`;
      const lease = leases.get(provider);
      const leaseMs = below(4) === 0 ? 1 : LONG_MS;
      const renew = (room: number, routing: "keep" | "out" | "drain", session: string) =>
        lease === undefined ? Promise.resolve([]) : renewLeases(registry, leaseMs, [{ lease, room, routing, session }]);
      const steps: Record<string, () => Promise<unknown>> = {
        register: async () => {
          const incarnation = `i${below(3)}`;
          const registered = await register(registry, registrationOf(V1, provider, { incarnation, leaseMs }));
          leases.set(provider, registered.lease);
          epoch = registered.lease.epoch;
        },
        attach: () => renew(1 + below(9), "keep", `s${below(3)}`),
        renew: () => renew(0, "keep", ""),
        "take out": () => renew(0, "out", `s${below(3)}`),
        drain: () => renew(0, "drain", ""),
        pong: () => (lease === undefined ? Promise.resolve() : recordPongs(registry, keys, [lease])),
        release: () => (lease === undefined ? Promise.resolve() : releaseLease(registry, lease)),
        sweep: () => sweepToolsets(registry, keys, [TOOLSET], LONG_MS),
      };
      const names = ["register", "register", "attach", "attach", "pong", "pong", ...Object.keys(steps)];
      const name = leases.size === 0 ? "register" : (names[below(names.length)] ?? "sweep");
      await steps[name]?.();
      await expectSummedUp(epoch, `step ${step}: ${name} ${provider}`);
    }
    await expectKeysToExpire(client);
  });

  test.each([
    ["the serving providers are lost", (epoch: Epoch) => here().client.del(keys.serving(TOOLSET, epoch))],
    ["something else stands in their place", (epoch: Epoch) => here().client.set(keys.serving(TOOLSET, epoch), "x")],
    ["the sum is lost", (epoch: Epoch) => here().client.hdel(keys.providers(TOOLSET, epoch), "@tally")],
    ["a provider is lost", (epoch: Epoch) => here().client.hdel(keys.providers(TOOLSET, epoch), "p2")],
    ["a lease is lost", (epoch: Epoch) => here().client.zrem(keys.leases(TOOLSET, epoch), "p2/i1")],
    ["the health is lost", (epoch: Epoch) => here().client.hdel(keys.health, `${TOOLSET}@${epoch}`)],
    [
      "an older node has renewed a lease and written the health, and knows of no sum",
      async (epoch: Epoch) => {
        const { client } = here();
        const end = Date.now() + 2 * LONG_MS;
        await client.zadd(keys.leases(TOOLSET, epoch), end, "p2/i1");
        const entry = { incarnation: "i1", token_hash: "token", room: 30, stage: "0", session: "s1" };
        await client.hset(keys.providers(TOOLSET, epoch), "p2", await storedProvider(client, entry));
        const health = { state: "active", pong: Date.now(), live: end, room: 50, announced: "1" };
        await client.hset(keys.health, `${TOOLSET}@${epoch}`, await storedHealth(client, health));
      },
    ],
  ])("is counted anew when %s", async (_what, damage) => {
    const { client, registry } = here();
    const first = await serve(registry, registrationOf(V1, "p1"), 10);
    await serve(registry, registrationOf(V1, "p2"), 10);
    await serve(registry, registrationOf(V1, "p3"), 10);
    const { epoch } = first.lease;
    await damage(epoch);
    await renewLease(registry, LONG_MS, { lease: first.lease, room: 11, routing: "keep", session: "" });
    await expectSummedUp(epoch, "the damage");
    expect((await healthOf(client, epoch))?.room).toBeGreaterThanOrEqual(21);
    await releaseLease(registry, first.lease);
    await expectSummedUp(epoch, "the release of a lease");
  });

  test("is nothing once all have ended at once, and the candidate takes over", async () => {
    const { client, registry } = here();
    const old = await Promise.all(
      Array.from({ length: 30 }, (_, index) => register(registry, registrationOf(V1, `p${index}`))),
    );
    for (const { lease } of old) {
      await attach(registry, lease, 10);
      await pong(registry, lease);
    }
    const next = await serve(registry, registrationOf(V2, "q1"), 1);
    expect((await statesOf(client))[next.lease.epoch]).toBe("candidate");
    const ending = old.map(({ lease }) => ({ lease, room: 0, routing: "keep", session: "" }) as const);
    await renewLeases(registry, 1, ending);
    const epoch = old[0]?.lease.epoch ?? (0 as Epoch);
    await until("the candidate is active", async () => {
      await sweepToolsets(registry, keys, [TOOLSET], LONG_MS);
      return (await statesOf(client))[next.lease.epoch] === "active";
    });
    expect(await statesOf(client), "the epoch goes with its last lease").toEqual({ [next.lease.epoch]: "active" });
    const own = [keys.leases(TOOLSET, epoch), keys.serving(TOOLSET, epoch), keys.providers(TOOLSET, epoch)];
    expect(await client.exists(...own)).toBe(0);
  });
});

test("leases that end at once are forgotten in several turns, of a thousand at most", async () => {
  const { client, registry } = here();
  const registered = await Promise.all(
    Array.from({ length: 1_250 }, (_, index) => register(registry, registrationOf(V1, `p${index}`))),
  );
  const epoch = registered[0]?.lease.epoch ?? (0 as Epoch);
  const leases = () => client.zcard(keys.leases(TOOLSET, epoch));
  const brief = registered.slice(1).map(({ lease }) => ({ lease, room: 1, routing: "keep", session: "s" }) as const);
  const ends: number[] = [];
  for (let start = 0; start < brief.length; start += 128) {
    const answers = await renewLeases(registry, 1_500, brief.slice(start, start + 128));
    for (const answer of answers) if (answer.kind === "held") ends.push(answer.untilMs);
  }
  const last = Math.max(...ends);
  await until("all but one have ended", async () => {
    const [seconds, microseconds] = await client.time();
    return Number(seconds) * 1_000 + Number(microseconds) / 1_000 > last;
  });
  const before = await leases();
  const { lease } = registered[0] ?? {};
  if (lease === undefined) throw new Error("there are many");
  await renewLease(registry, LONG_MS, { lease, room: 7, routing: "keep", session: "s" });
  expect(await leases(), "a renewal forgets some").toBeGreaterThanOrEqual(before - 1_000);
  expect(await leases()).toBeLessThan(before);
  await expectSummedUp(epoch, "the renewal");
  await sweepToolsets(registry, keys, [TOOLSET], LONG_MS);
  expect(await leases(), "a sweep goes on until it is done").toBe(1);
  await expectSummedUp(epoch, "the sweep");
  await pong(registry, lease);
  expect((await healthOf(client, epoch))?.room).toBe(7);
});

/** How many commands Redis has run, those of scripts included. */
async function commands(): Promise<number> {
  const told = await here().client.info("commandstats");
  return [...told.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    .filter(([, name]) => name !== "info")
    .reduce((sum, [, , calls]) => sum + Number(calls), 0);
}

/** What is done to one provider of many, by name, and how many commands it took. */
async function work(): Promise<Record<string, number>> {
  const { registry } = here();
  const taken: Record<string, number> = {};
  const count = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    const before = await commands();
    const result = await run();
    taken[what] = (await commands()) - before;
    return result;
  };
  const { lease } = await count("REGISTER", () => register(registry, registrationOf(V1, "one")));
  await count("RENEW of an attachment", () => attach(registry, lease, 10));
  await count("the first PONG", () => pong(registry, lease));
  await count("PONG", () => pong(registry, lease));
  await count("RENEW", () => renewLeases(registry, LONG_MS, [{ lease, room: 0, routing: "keep", session: "" }]));
  await count("REGISTER anew", () => register(registry, registrationOf(V1, "one", { incarnation: "i2" })));
  await count("SWEEP", () => sweepToolsets(registry, keys, [TOOLSET], LONG_MS));
  const again = await register(registry, registrationOf(V1, "one", { incarnation: "i3" }));
  await count("RELEASE", () => releaseLease(registry, again.lease));
  return taken;
}

test("what one provider does costs the same beside 10 and beside 1,000 others", async () => {
  const { registry } = here();
  let serving = 0;
  const crowd = async (size: number): Promise<void> => {
    const from = serving;
    serving = size;
    const registered = await Promise.all(
      Array.from({ length: size - from }, (_, index) => register(registry, registrationOf(V1, `p${from + index}`))),
    );
    const renewals = registered.map(({ lease }) => ({ lease, room: 10, routing: "keep", session: "s" }) as const);
    await renewLeases(registry, LONG_MS, renewals);
    await recordPongs(
      registry,
      keys,
      registered.map(({ lease }) => lease),
    );
  };
  await crowd(10);
  await work(); // scripts that Redis does not know yet are sent twice
  const few = await work();
  await crowd(1_000);
  const many = await work();
  expect(many).toEqual(few);
  expect(Math.max(...Object.values(many))).toBeLessThan(60);
});
