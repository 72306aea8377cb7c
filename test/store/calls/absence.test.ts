import { describe, expect, test } from "vitest";
import type { CallId } from "../../../src/identity/call-id.js";
import { parseProviderId } from "../../../src/identity/names.js";
import type { CallStore } from "../../../src/store/calls/call-store.js";
import { readCall } from "../../../src/store/calls/read-call.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { takeCalls } from "../../../src/store/calls/take.js";
import { AWAY_AFTER_MS } from "../../../src/store/presence.js";
import { releaseLease, renewLease, renewLeases } from "../../../src/store/registry/leases.js";
import { recordPongs } from "../../../src/store/registry/pongs.js";
import { sweepToolsets } from "../../../src/store/registry/sweep.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { until } from "../../support/until.js";
import { changesOf, keys, LONG_MS, registryStore, statesOf, TOOLSET } from "../registry/registry-fixture.js";
import {
  admissionOf,
  admit,
  callStore,
  callsForFile,
  claimOf,
  complete,
  endingOf,
  NODE,
  take,
  takerOf,
} from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const RESULT = { kind: "result", reason: "", body: Buffer.from("3") } as const;
/** A lease that ends while Redis is away, in milliseconds. */
const LEASE_MS = 300;
const AWAY_MS = AWAY_AFTER_MS + LEASE_MS;

const brief = (): CallStore =>
  callStore(here().client, { claimLeaseMs: { once: LEASE_MS, idempotent: LEASE_MS }, absenceGraceMs: LONG_MS });

const pass = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Redis stands still, and its clock goes on. Nodes were there before. */
async function frozen(store: CallStore): Promise<void> {
  const { redis } = here();
  await settleCalls(store, keys);
  await redis.freeze();
  await pass(AWAY_MS);
  await redis.thaw();
}

/** The same to all that comes after, and quicker: leases end, and the note says that no node was there for long. */
async function away(store: CallStore): Promise<void> {
  const { client } = here();
  await settleCalls(store, keys);
  await pass(LEASE_MS + 10);
  await client.hset(keys.presence, "seen", Number(await client.hget(keys.presence, "seen")) - AWAY_MS);
}

/** A call of each delivery, claimed. */
async function claimed(store: CallStore, timeoutMs = LONG_MS) {
  const { provider } = here();
  const calls = (["once", "idempotent"] as const).map((delivery) => admissionOf(provider, { delivery, timeoutMs }));
  for (const call of calls) await admit(store, call);
  const [once, idempotent] = (await take(store, provider.lease)).map((call) => claimOf(provider.lease, call));
  if (once === undefined || idempotent === undefined) throw new Error("two calls were to be taken");
  return { once, idempotent };
}

/** Settles as nodes do, until a call has ended. */
function settled(store: CallStore, id: CallId) {
  return until("it has ended", async () => {
    await settleCalls(store, keys);
    return endingOf(store, id);
  });
}

describe("while Redis was away for longer than a claim lasts", () => {
  test("nothing that is in hand is given up or given to others, and its end is accepted", async () => {
    const store = brief();
    const claims = Object.values(await claimed(store));
    await frozen(store);
    expect(await settleCalls(store, keys)).toMatchObject({ ended: 0, redelivered: 0, told: 0 });
    expect(
      await complete(
        store,
        claims.map((claim) => ({ ...claim, ...RESULT })),
      ),
    ).toEqual(["accepted", "accepted"]);
    await expectKeysToExpire(here().client);
  });

  test("claims that nobody extends then end a lease after it", async () => {
    const store = brief();
    const { once, idempotent } = await claimed(store);
    await away(store);
    await settleCalls(store, keys);
    const returnedMs = Number(await here().client.hget(keys.presence, "returned"));
    const end = await settled(store, once.id);
    expect(end).toMatchObject({ kind: "outcome_unknown", reason: "PROVIDER_LOST" });
    expect((end?.endedAtMs ?? 0) - returnedMs).toBeGreaterThanOrEqual(LEASE_MS);
    expect((await readCall(store, idempotent.id, {}))?.state).toBe("queued");
  });

  test("a call whose deadline passed meanwhile takes its result, or ends within a second", async () => {
    const { client } = here();
    const store = callStore(client);
    const { once, idempotent } = await claimed(store, LEASE_MS);
    await away(store);
    expect(await settleCalls(store, keys)).toMatchObject({ ended: 0, told: 2 });
    const returnedMs = Number(await client.hget(keys.presence, "returned"));
    expect(await complete(store, [{ ...once, ...RESULT }])).toEqual(["accepted"]);
    const dueMs = Number(await client.zscore(keys.due, idempotent.id));
    expect(dueMs - returnedMs, "when it is to end").toBeLessThan(1_000);
    const end = await settled(store, idempotent.id);
    expect(end).toMatchObject({ kind: "outcome_unknown", reason: "DEADLINE_EXCEEDED" });
    expect(end?.endedAtMs).toBeGreaterThanOrEqual(dueMs);
  });

  test("a call whose deadline passed meanwhile is not put off by the next absence", async () => {
    const store = callStore(here().client);
    const { once } = await claimed(store, LEASE_MS);
    await away(store);
    expect(await settleCalls(store, keys)).toMatchObject({ ended: 0, told: 2 });
    await pass(500); // past its grace, and not yet past what it is given after the absence
    await settleCalls(store, keys);
    await pass(AWAY_AFTER_MS + 50);
    await settleCalls(store, keys);
    expect(await endingOf(store, once.id)).toMatchObject({ kind: "outcome_unknown", reason: "DEADLINE_EXCEEDED" });
  });

  test("a claim that had ended before a row of absences is not held by them", async () => {
    const store = brief();
    const { once } = await claimed(store);
    await pass(LEASE_MS + 10); // no node settles yet
    await here().client.hset(keys.presence, "seen", Date.now() - 5);
    await pass(AWAY_AFTER_MS);
    await settleCalls(store, keys);
    expect(await endingOf(store, once.id)).toMatchObject({ reason: "PROVIDER_LOST" });
  });

  test("what its provider gives up is settled at once", async () => {
    const { registry, provider } = here();
    const store = brief();
    const { once } = await claimed(store);
    await away(store);
    await settleCalls(store, keys);
    await releaseLease(registry, provider.lease);
    await settleCalls(store, keys);
    expect(await endingOf(store, once.id)).toMatchObject({ reason: "PROVIDER_LOST" });
  });
});

test.each(["a renewal", "a sweep", "a take", "a pong"])(
  "a lease that ended meanwhile is held, also where %s comes first",
  async (first) => {
    const { client, provider } = here();
    const store = brief();
    const judged = registryStore(client, LEASE_MS);
    const { lease } = provider;
    await renewLease(judged, LEASE_MS, { lease, room: 10, routing: "keep", session: "s1" });
    await recordPongs(judged, keys, [lease]);
    await away(store);
    if (first === "a renewal") {
      // Another provider's, which sees to all leases of the epoch.
      const other = { ...lease, provider: parseProviderId("p2", "provider"), token: "none" };
      await renewLeases(judged, LEASE_MS, [{ lease: other, room: 0, routing: "keep", session: "" }]);
    } else if (first === "a sweep") await sweepToolsets(judged, keys, [TOOLSET], LONG_MS);
    else if (first === "a take") {
      const [answer] = await takeCalls(store, NODE, TOOLSET, lease.epoch, [{ ...takerOf(lease), credits: 1 }]);
      expect(answer?.kind).toBe("taken");
    } else expect(await recordPongs(judged, keys, [lease])).toEqual(["recorded"]);
    await settleCalls(store, keys);
    await sweepToolsets(judged, keys, [TOOLSET], LONG_MS);
    expect(await statesOf(client)).toEqual({ [lease.epoch]: "active" });
    expect((await changesOf(client)).some((change) => change.startsWith("unhealthy"))).toBe(false);
    expect(await admit(store, admissionOf(provider))).toMatchObject({ kind: "admitted" });
    expect(await renewLeases(judged, LEASE_MS, [{ lease, room: 0, routing: "keep", session: "" }])).toMatchObject([
      { kind: "held" },
    ]);
  },
);

test("a lease that had ended before is not", async () => {
  const { client, provider } = here();
  const judged = registryStore(client, LONG_MS);
  const { lease } = provider;
  await renewLease(judged, 1, { lease, room: 10, routing: "keep", session: "s1" });
  await pass(2);
  await frozen(brief());
  await sweepToolsets(judged, keys, [TOOLSET], LONG_MS);
  expect(await renewLeases(judged, LEASE_MS, [{ lease, room: 0, routing: "keep", session: "" }])).toEqual([
    { kind: "lost" },
  ]);
});

test("it is over for leases and health when its grace is", async () => {
  const { client, provider } = here();
  const store = callStore(client, { absenceGraceMs: LEASE_MS });
  const judged = registryStore(client, LEASE_MS);
  const { lease } = provider;
  await renewLease(judged, LEASE_MS, { lease, room: 10, routing: "keep", session: "s1" });
  await away(store);
  expect((await settleCalls(store, keys)).heldAtMs).toBeGreaterThan(0);
  await until("the lease has ended", async () => {
    await settleCalls(store, keys);
    await sweepToolsets(judged, keys, [TOOLSET], LONG_MS);
    return (await client.zcard(keys.leases(TOOLSET, lease.epoch))) === 0;
  });
  expect((await settleCalls(store, keys)).heldAtMs).toBeUndefined();
  expect((await changesOf(client)).at(-1)).toBe(`unhealthy ${lease.epoch}`);
});

test("an absence while one is heeded still goes on from the first", async () => {
  const store = brief();
  await away(store);
  const { heldAtMs } = await settleCalls(store, keys);
  await away(store);
  expect((await settleCalls(store, keys)).heldAtMs).toBe(heldAtMs);
});

test("absences that come again and again go on from the first only until its providers had the whole grace to come back", async () => {
  const { client } = here();
  const store = callStore(client, { absenceGraceMs: 4_000 });
  const from = Date.now() - 9_000;
  await client.hset(keys.presence, "from", from);
  /** Nodes came back for three seconds, of four, and were gone again for two. */
  const again = async () => {
    const now = Date.now();
    const seen = now - 2_000;
    await client.hset(keys.presence, { returned: now - 5_000, seen, holds: now - 1_000 });
    return { seen, held: (await settleCalls(store, keys)).heldAtMs };
  };
  expect((await again()).held).toBe(from);
  const second = await again();
  expect(second.held).toBe(second.seen);
  expect(await client.hget(keys.presence, "there"), "the next ones go on from there").toBe("0");
});

test("one node that is cut off is no absence: the others settle in time", async () => {
  const store = brief();
  await settleCalls(store, keys);
  const { once } = await claimed(store);
  const due = () => here().client.zscore(keys.due, once.id);
  const dueMs = await due();
  // One of two nodes is heard of; the other would have extended the claim.
  const end = await until(
    "it has ended",
    async () => {
      expect((await settleCalls(store, keys)).heldAtMs).toBeUndefined();
      expect([dueMs, null], "it is not put off").toContain(await due());
      return endingOf(store, once.id);
    },
    { everyMs: 200 },
  );
  expect(end).toMatchObject({ reason: "PROVIDER_LOST" });
});

test("what was noted by a clock that was set back since holds nothing up", async () => {
  const { client } = here();
  const store = brief();
  const { once } = await claimed(store);
  const future = Date.now() + 3_600_000;
  await client.hset(keys.presence, { seen: future, from: future - 5_000, returned: future, holds: future + LONG_MS });
  expect(await settled(store, once.id)).toMatchObject({ reason: "PROVIDER_LOST" });
});

test("what is no hash in the place of that note is set aside", async () => {
  const { client } = here();
  const store = brief();
  await client.set(keys.presence, "x");
  const span = await spanOf(client, () => settleCalls(store, keys));
  expectWithin(Number(await client.hget(keys.presence, "seen")), span);
  expect(await client.exists(keys.damaged("presence"))).toBe(1);
  await expectKeysToExpire(client);
});

test.each<[string, Readonly<Record<string, string | number>>]>([
  ["no number", { seen: "nan" }],
  ["no end", { seen: "1e300", from: "-inf", returned: 2, holds: "inf", began: "1e300" }],
  ["no time", { seen: "-1e300", from: 1, returned: 2, holds: 3, there: "1e308" }],
  ["a time in 30,000 years", { from: 1, returned: 2, holds: 9e14 }],
])("what is %s in that note says nothing, and the next absence is seen", async (_, note) => {
  const store = brief();
  await here().client.hset(keys.presence, note);
  expect((await settleCalls(store, keys)).heldAtMs).toBeUndefined();
  await away(store);
  const { heldAtMs = 0 } = await settleCalls(store, keys);
  expect(heldAtMs, "when nodes were there last").toBeGreaterThan(Date.now() - LONG_MS);
});
