import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { AttachChannel } from "../../src/front/services/attach-channel.js";
import { type CallId, randomCallId } from "../../src/identity/call-id.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import type { AttachResponse } from "../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import { ProviderSession } from "../../src/providers/provider-session.js";
import { ProviderSessions } from "../../src/providers/provider-sessions.js";
import { type Commits, FAST_COMMITS } from "../../src/redis/commits.js";
import { unconfirmed } from "../../src/redis/replica-barrier.js";
import { Subscriber } from "../../src/redis/subscriber.js";
import type { CallStore } from "../../src/store/calls/call-store.js";
import { LostCalls } from "../../src/store/calls/lost-calls.js";
import { readCall } from "../../src/store/calls/read-call.js";
import { settleCalls } from "../../src/store/calls/settle.js";
import { type Lease, releaseLease } from "../../src/store/registry/leases.js";
import { type Registered, register } from "../../src/store/registry/register.js";
import type { RegistryStore } from "../../src/store/registry/registry-store.js";
import { admissionOf, admit, callStore, NODE } from "../store/calls/calls-fixture.js";
import { contractOf, keys, LONG_MS, registrationOf, registryStore } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { channelsOver } from "../support/redis-link.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";
import { readStoredProvider } from "../support/stored-values.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();
let client: Redis;
let registry: RegistryStore;
let store: CallStore;
let sessions: ProviderSessions;

/** Whether the replicas are behind: then what was taken may not become visible. */
let behind: boolean;
/** How often calls were looked for. */
let takes = 0;
/** When they confirm what was taken. */
let confirming: Promise<void>;
const COMMITS: Commits = {
  ...FAST_COMMITS,
  waits: true,
  async run(redis, script, ...more) {
    if (script.name === "TAKE") takes++;
    const outcome = await FAST_COMMITS.run(redis, script, ...more);
    if (script.name !== "TAKE" && script.name !== "RESUME") return outcome;
    return { ...outcome, confirm: () => (behind ? Promise.reject(unconfirmed("behind")) : confirming) };
  },
};
beforeEach(async () => {
  client = redis().client();
  const subscriber = new Subscriber(channelsOver(redis().client({ lazyConnect: true })), SILENT_LOGGER);
  await subscriber.start();
  registry = registryStore(client);
  behind = false;
  confirming = Promise.resolve();
  store = callStore(client, { commits: COMMITS });
  sessions = new ProviderSessions({
    registry,
    calls: store,
    lost: new LostCalls(store, SILENT_LOGGER),
    subscriber,
    node: NODE,
    log: SILENT_LOGGER,
    faults: SILENT_FAULTS,
    monotonicMs: () => performance.now(),
    leaseMs: LONG_MS,
    heartbeatMs: LONG_MS,
    missedPings: 3,
    drainGraceMs: 0,
    onTakeRefused: () => {},
    onUndeliverable: () => {},
  });
  sessions.start();
  return async () => {
    await sessions.stop();
    await subscriber.stop();
    client.disconnect();
  };
});

const join = (provider: string): Promise<Registered> =>
  register(registry, registrationOf(contractOf("1.0.0"), provider));

/** Attaches a provider that reads everything and pongs. */
function attach(lease: Lease, maxInFlight = 10) {
  const frames: AttachResponse[] = [];
  const ends: unknown[] = [];
  const nothing = (): void => {};
  const send = (frame: AttachResponse): boolean => frames.push(frame) > 0;
  const sink = { send, drained: async () => {}, holds: nothing, pause: nothing, resume: nothing };
  const settings = { stream: sink, maxMessageBytes: 4_194_304, limits: {}, end: (error?: unknown) => ends.push(error) };
  const opened = sessions.attach(
    { lease, maxInFlight, inHand: [], clientVersion: "" },
    (events) => new AttachChannel(settings, events),
  );
  opened.then((session) => sessions.ponged(session)).catch(nothing); // its awaiter hears of that
  return { opened, ends, calls: () => frames.flatMap((frame) => frame.calls ?? []), frames };
}

/** Whether the provider p1 gets calls, as Redis says it; see provider-entry.ts. */
const stageOf = async (lease: Lease): Promise<string | undefined> =>
  (
    await readStoredProvider(
      registry.redis,
      await registry.redis.hget(keys.providers(lease.toolset, lease.epoch), "p1"),
    )
  )?.stage;

/** Resolves once `count` sessions are known, the one that is being opened included. */
async function known(count: number): Promise<void> {
  while (sessions.size < count) await new Promise((resolve) => setImmediate(resolve));
}

/** From here on calls are looked for only where there is an occasion: no sweep makes up for one that was missed. */
function stopSweeps(): void {
  vi.spyOn(sessions, "wakeAll").mockImplementation(() => {});
}

test("a session that opens while the epoch's only other one ends gets calls and pings", async () => {
  stopSweeps();
  const first = await join("p1");
  const second = await join("p2");
  const leaving = await attach(first.lease).opened;
  const arriving = attach(second.lease);
  await known(2);
  sessions.close(leaving, "it left");
  await arriving.opened;
  await admit(store, admissionOf(second, { wait: true }));
  await until("the call was delivered", () => arriving.calls().length === 1);
  sessions.ping(second.lease.toolset, second.lease.epoch, "tick");
  await until("the ping came", () => arriving.frames.some(({ pings }) => pings?.some(({ nonce }) => nonce === "tick")));
});

test("of many providers that join an epoch without calls none looks for one, and each gets those that come later", async () => {
  stopSweeps();
  takes = 0;
  const joined: Registered[] = [];
  const attached: ReturnType<typeof attach>[] = [];
  for (let index = 0; index < 20; index++) {
    const registered = await join(`p${index}`);
    const one = attach(registered.lease, 1);
    joined.push(registered);
    attached.push(one);
    await until("it is ready", () => one.frames.some(({ ready }) => ready));
  }
  expect(takes).toBeLessThan(2);
  for (const registered of joined) await admit(store, admissionOf(registered));
  await until("each has a call", () => attached.every(({ calls }) => calls().length === 1));
});

test("a provider that joins an epoch whose calls wait gets one with its first pong", async () => {
  stopSweeps();
  const first = await join("p1");
  await admit(store, admissionOf(first, { wait: true }));
  const { calls } = attach(first.lease);
  await until("it has the call", () => calls().length === 1);
});

test("some of an epoch's many providers are pinged after the others, each of them once", async () => {
  const opened = [];
  for (let index = 0; index < 60; index++) opened.push(await attach((await join(`p${index}`)).lease).opened);
  const pings = vi.spyOn(ProviderSession.prototype, "ping");
  try {
    const [{ lease }] = opened as [ProviderSession];
    const all = sessions.ping(lease.toolset, lease.epoch, "tick");
    expect(pings.mock.contexts.length).toBeLessThan(60);
    await all;
    expect(pings.mock.contexts).toEqual(opened);
  } finally {
    pings.mockRestore();
  }
});

test("a session that cannot be opened is not kept, and its stream ends with the reason", async () => {
  const { lease } = await join("p1");
  const attaching = attach(lease);
  await known(1);
  client.disconnect();
  await expect(attaching.opened).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE" });
  expect(sessions.size).toBe(0);
  expect([...sessions.epochs()]).toEqual([]);
  expect(attaching.ends).toMatchObject([{ reason: "STORE_UNAVAILABLE" }]);
});

test("a session that opens while its node begins to stop is told to move", async () => {
  const { lease } = await join("p1");
  const attaching = attach(lease);
  sessions.drainNode();
  await attaching.opened;
  await until("it was told", () =>
    attaching.frames.some(({ goAway }) => goAway?.reason === "GO_AWAY_REASON_NODE_DRAINING"),
  );
  await until("its session ended", () => sessions.size === 0);
});

test("large payloads go out as the provider reads, and do not end its session", async () => {
  const { lease } = await join("p1");
  const registered = { lease } as Registered; // all that an admission needs of it
  const payload = Buffer.alloc(1_048_576, "x");
  for (let i = 0; i < 40; i++) await admit(store, admissionOf(registered, { wait: true, payload }));
  const first = attach(lease, 100);
  await first.opened;
  await until("all were delivered", () => first.calls().length === 40);
  expect(first.ends).toEqual([]);
  const second = attach(lease, 100);
  await second.opened;
  await until("all were delivered again", () => second.calls().length === 40);
  expect(new Set(second.calls().map(({ callId }) => callId)).size).toBe(40);
  expect(second.ends).toEqual([]);
});

test("calls that were claimed and that nobody may hear of yet are handed out later, once", async () => {
  const { lease } = await join("p1");
  const registered = { lease } as Registered; // all that an admission needs of it
  const session = attach(lease);
  await session.opened;
  behind = true;
  const first = admissionOf(registered, { wait: true });
  await admit(store, first);
  await until("it is claimed", async () => (await readCall(store, first.id, {}))?.state === "claimed");
  const second = admissionOf(registered, { wait: true });
  await admit(store, second);
  expect(session.calls()).toEqual([]);
  behind = false;
  sessions.wakeAll();
  await until("both were delivered", () => session.calls().length === 2);
  expect(session.calls()).toMatchObject([
    { callId: first.id, attempt: 1 },
    { callId: second.id, attempt: 1 },
  ]);
  sessions.wakeAll();
  await admit(store, admissionOf(registered, { wait: true }));
  await until("another one was delivered", () => session.calls().length > 2);
  expect(session.calls()).toHaveLength(3);
});

test("a provider whose epoch's time is over is told to go, and no node counts on it any more", async () => {
  const { lease } = await join("p1");
  const attached = attach(lease);
  await attached.opened;
  await until("its pong counts", async () => (await stageOf(lease)) === "0");
  sessions.retire(lease.toolset, lease.epoch, "gone");
  await until("its lease says so", async () => (await stageOf(lease)) === "1");
  expect(attached.frames.some(({ goAway }) => goAway?.reason === "GO_AWAY_REASON_RETIRED")).toBe(true);
});

test("the end of an earlier attempt does not keep a later one from being told to stop", async () => {
  const [first, second] = [await join("p1"), await join("p2")];
  const former = attach(first.lease);
  const early = await former.opened;
  const call = admissionOf(first, { wait: true, delivery: "idempotent" });
  await admit(store, call);
  await until("the first has it", () => early.inHand.has(call.id));
  const later = attach(second.lease);
  await later.opened;
  await releaseLease(registry, first.lease);
  await settleCalls(store, keys);
  await until("the second has it", () => later.calls().length === 1);
  const attempt = early.inHand.get(call.id);
  if (attempt === undefined) throw new Error("it is not in hand any more");
  sessions.settled(early, attempt, false);
  sessions.stopCall({ id: call.id, attempt: 2, reason: "CANCELLED" });
  const cancels = () => later.frames.flatMap((frame) => frame.cancels ?? []);
  await until("it was told", () => cancels().length > 0);
  expect(cancels()).toMatchObject([{ callId: call.id, attempt: 2 }]);
});

describe.each([
  ["drains", (session: ProviderSession) => sessions.drainByProvider(session)],
  ["is told to go", async ({ lease }: ProviderSession) => sessions.retire(lease.toolset, lease.epoch, "gone")],
] as const)("a provider that %s while calls are taken for it", (_, leave) => {
  /** A session that leaves while the replicas have still to confirm its first take. */
  async function leaving(calls: readonly CallId[]) {
    const { lease } = await join("p1");
    for (const id of calls) await admit(store, admissionOf({ lease } as Registered, { id, wait: true })); // all that it needs
    const attached = attach(lease);
    const session = await attached.opened;
    const confirm = deferred();
    confirming = confirm.promise;
    for (const id of calls) {
      await until("it is claimed", async () => (await readCall(store, id, {}))?.state === "claimed");
    }
    await leave(session);
    if (calls.length > 0) expect(attached.ends).toEqual([]);
    confirm.resolve();
    return { ...attached, session };
  }

  test("gets them before its session ends", async () => {
    const { calls, ends, session } = await leaving([randomCallId(0, randomBytes)]);
    await until("it was delivered", () => calls().length === 1);
    expect(ends).toEqual([]);
    for (const call of session.inHand.values()) sessions.settled(session, call, true);
    expect(ends).toHaveLength(1);
  });

  test("is let go when there are none", async () => {
    const { ends } = await leaving([]);
    await until("its session ended", () => ends.length === 1);
  });
});
