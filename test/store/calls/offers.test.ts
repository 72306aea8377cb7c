import { describe, expect, test, vi } from "vitest";
import { deferred } from "../../../src/async/deferred.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import type { Commits } from "../../../src/redis/commits.js";
import { runScript } from "../../../src/redis/script.js";
import type { Admission } from "../../../src/store/calls/admission.js";
import { Admissions, type Offer, type OfferedTaker } from "../../../src/store/calls/admit.js";
import { readCall } from "../../../src/store/calls/read-call.js";
import { resumeCalls, type TakeAnswer } from "../../../src/store/calls/take.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { attach, contractOf, keys, LONG_MS, registrationOf, serve, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callsForFile, claimOf, complete, NODE, take, takerOf } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const takerWith = (more: Partial<OfferedTaker> = {}): OfferedTaker => ({
  ...takerOf(here().provider.lease),
  ...{ credits: 10, maxInFlight: 10, running: 0 },
  ...more,
});

/** Admits calls in one script, which may give them to these providers; says what each of these got. */
async function admitWith(takers: readonly OfferedTaker[], calls: readonly Admission[]) {
  const { store, provider } = here();
  const answers: TakeAnswer[] = [];
  const failed = vi.fn<(error: unknown) => void>();
  const offer = vi.fn(() => ({ takers, taken: (got: readonly TakeAnswer[]) => void answers.push(...got), failed }));
  const admissions = new Admissions(store, { node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32, offer });
  const admitted = await Promise.all(calls.map((call) => admissions.admit(call, true)));
  expect(offer).toHaveBeenCalledExactlyOnceWith(TOOLSET, provider.lease.epoch, calls.length);
  return { admitted: admitted.map(({ kind }) => kind), answers };
}

/** How often nodes were told that calls wait, since the last question. */
async function listenForWork() {
  const { redis, client, provider } = here();
  const subscriber = redis.client();
  let notifications = 0;
  let onMark = (_rings: number) => {};
  subscriber.on("smessage", (channel: string) => {
    if (channel === keys.pings) onMark(notifications);
    else notifications++;
  });
  await subscriber.ssubscribe(keys.work(TOOLSET, provider.lease.epoch), keys.pings);
  return async () => {
    // What was notified before this message was heard before it.
    const marked = new Promise<number>((resolve) => {
      onMark = resolve;
    });
    await client.spublish(keys.pings, "");
    const heard = await marked;
    notifications = 0;
    return heard;
  };
}

test("a provider of the node that admits a call claims it in the same script, and nobody is notified", async () => {
  const { client, store, provider } = here();
  const notifications = await listenForWork();
  const calls = [admissionOf(provider, { meta: '{"runId":"r"}' }), admissionOf(provider, { requestDigest: "-" })];
  const { admitted, answers } = await admitWith([takerWith()], calls);
  expect(admitted).toEqual(["admitted", "admitted"]);
  const [answer] = answers;
  if (answer?.kind !== "taken") throw new Error("nothing was claimed");
  for (const [index, call] of calls.entries()) {
    const reading = await readCall(store, call.id, {});
    expect(reading).toMatchObject({ state: "claimed", attempt: 1 });
    const { id, tool, payload, meta } = call;
    expect(answer.calls[index]).toMatchObject({
      id,
      tool,
      payload,
      meta,
      attempt: 1,
      remainingMs: LONG_MS,
      stop: undefined,
    });
    expect(answer.calls[index]?.deadlineMs).toBe(reading?.head.deadlineMs);
    expect(await client.pexpiretime(keys.call(call.id))).toBe((reading?.head.deadlineMs ?? 0) + store.resultTtlMs);
  }
  expect(await notifications()).toBe(0);
  expect(await take(store, provider.lease)).toEqual([]);
  const claims = answer.calls.map((call) => claimOf(provider.lease, call));
  const result = { kind: "result", reason: "", body: Buffer.from("3") } as const;
  expect(
    await complete(
      store,
      claims.map((claim) => ({ ...claim, ...result })),
    ),
  ).toEqual(["accepted", "accepted"]);
  expect(await client.xlen(keys.requests(TOOLSET, provider.lease.epoch))).toBe(0);
  expect(await client.zcard(keys.due)).toBe(0);
  await expectKeysToExpire(client);
});

test("a repeat in the same script finds the first request's call", async () => {
  const call = admissionOf(here().provider);
  const { admitted, answers } = await admitWith(
    [takerWith()],
    [call, { ...call }, { ...call, requestDigest: "other" }],
  );
  expect(admitted).toEqual(["admitted", "repeated", "conflict"]);
  expect(answers).toMatchObject([{ kind: "taken", calls: [{ id: call.id }] }]);
});

test("what waited before is claimed first; for what waits still, nodes are notified", async () => {
  const { store, provider } = here();
  const notifications = await listenForWork();
  const older = admissionOf(provider);
  await admit(store, older);
  expect(await notifications()).toBe(1);
  const later = admissionOf(provider);
  const { answers } = await admitWith([takerWith({ credits: 1 })], [later]);
  expect(answers).toMatchObject([{ kind: "taken", calls: [{ id: older.id, payload: older.payload }] }]);
  expect(await notifications()).toBe(1);
  expect((await readCall(store, later.id, {}))?.state).toBe("queued");
  expect((await take(store, provider.lease)).map(({ id }) => id)).toEqual([later.id]);
});

test("a provider takes at once no more than its share; the rest is for all", async () => {
  const { registry, store, provider } = here();
  const other = await serve(registry, registrationOf(contractOf("1.0.0"), "q1"), 30);
  const calls = Array.from({ length: 6 }, () => admissionOf(provider));
  const { answers } = await admitWith([takerWith()], calls);
  // Of six calls it runs two: it has room for ten of forty.
  expect(answers).toMatchObject([{ kind: "taken", calls: calls.slice(0, 2).map(({ id }) => ({ id })) }]);
  expect((await admitWith([takerWith({ running: 2 })], [admissionOf(provider)])).answers).toEqual([
    { kind: "taken", calls: [], more: false },
  ]);
  expect(await take(store, other.lease)).toHaveLength(5);
});

test("claims made at the admission stand in the line's group as if they had been read from it", async () => {
  const { client, registry, store, provider } = here();
  const requests = keys.requests(TOOLSET, provider.lease.epoch);
  const other = await serve(registry, registrationOf(contractOf("1.0.0"), "q1"), 10);
  const older = admissionOf(provider);
  await admit(store, older);
  const calls = Array.from({ length: 5 }, () => admissionOf(provider));
  const takers = [takerWith({ credits: 3 }), takerWith({ ...takerOf(other.lease), credits: 2 })];
  const { answers } = await admitWith(takers, calls);
  const ids = calls.map(({ id }) => ({ id }));
  expect(answers).toMatchObject([
    { kind: "taken", calls: [{ id: older.id }, ...ids.slice(0, 2)], more: true },
    { kind: "taken", calls: ids.slice(2, 4), more: true },
  ]);
  const pending = await Promise.all(
    takers.map((taker) =>
      client.xpending(requests, "providers", "-", "+", 10, `${taker.provider}/${taker.incarnation}`),
    ),
  );
  expect(pending.map(({ length }) => length)).toEqual([3, 2]);
  // A provider that never received them is brought them by the line.
  const taker = takerOf(other.lease);
  const resumption = await resumeCalls(store, NODE, TOOLSET, other.lease.epoch, taker, []);
  expect(resumption).toMatchObject({ undelivered: calls.slice(2, 4).map(({ id, payload }) => ({ id, payload })) });
  expect(await take(store, provider.lease)).toMatchObject(ids.slice(4));
});

test.each([
  ["nothing waits", 0, 7],
  // Of those behind it eight are read at once, and so claimed.
  ["one waits before them", 1, 9],
])("of large calls only some are claimed at the admission where %s", async (_what, older, claimed) => {
  const { store, provider } = here();
  const notifications = await listenForWork();
  const payload = Buffer.alloc(600_000, "1"); // the seventh reaches 4 MiB
  const calls = Array.from({ length: 12 }, () => admissionOf(provider, { payload }));
  for (const call of calls.slice(0, older)) await admit(store, call);
  await notifications();
  const { answers } = await admitWith([takerWith({ credits: 12 })], calls.slice(older));
  const ids = calls.map(({ id }) => ({ id }));
  expect(answers).toMatchObject([{ kind: "taken", more: true }]);
  expect(answers[0]).toHaveProperty("calls.length", claimed);
  expect(answers[0]).toMatchObject({ calls: ids.slice(0, claimed) });
  expect(await notifications()).toBe(1);
  expect(await take(store, provider.lease)).toMatchObject(ids.slice(claimed));
});

test.each(["the group", "the stream"])("calls are claimed at the admission also where %s was lost", async (lost) => {
  const { client, store, provider } = here();
  const requests = keys.requests(TOOLSET, provider.lease.epoch);
  if (lost === "the group") await client.xgroup("DESTROY", requests, "providers");
  else await client.del(requests);
  const call = admissionOf(provider);
  const { answers } = await admitWith([takerWith()], [call]);
  expect(answers).toMatchObject([{ kind: "taken", calls: [{ id: call.id }], more: false }]);
  expect(await take(store, provider.lease)).toEqual([]);
});

test("a session that speaks for nobody claims nothing, and what is admitted waits", async () => {
  const { registry, store, provider } = here();
  await attach(registry, provider.lease, 10, "s2");
  const call = admissionOf(provider);
  const { admitted, answers } = await admitWith([takerWith()], [call]);
  expect(admitted).toEqual(["admitted"]);
  expect(answers).toEqual([{ kind: "lost" }]);
  expect((await readCall(store, call.id, {}))?.state).toBe("queued");
});

test.each(["leases", "providers"] as const)(
  "what is wrong with an epoch's %s keeps no calls from being admitted",
  async (kind) => {
    const { client, provider } = here();
    const key = keys[kind](TOOLSET, provider.lease.epoch);
    await client.multi().del(key).set(key, "x").exec();
    const { admitted, answers } = await admitWith([takerWith()], [admissionOf(provider)]);
    expect(admitted).toEqual(["admitted"]);
    expect(answers).toEqual([{ kind: "lost" }]);
  },
);

test("calls that are refused give nobody anything", async () => {
  const { store, provider } = here();
  const stale = { ...admissionOf(provider).destination, epoch: 1 as typeof provider.lease.epoch };
  const failed = vi.fn();
  const answers: TakeAnswer[] = [];
  const offer = () => ({
    takers: [takerWith()],
    taken: (got: readonly TakeAnswer[]) => void answers.push(...got),
    failed,
  });
  const admissions = new Admissions(store, { node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32, offer });
  expect((await admissions.admit(admissionOf(provider, { destination: stale }), true)).kind).toBe("stale");
  expect(answers).toEqual([{ kind: "taken", calls: [], more: false }]);
});

test("when Redis cannot be asked, the offer hears of it", async () => {
  const { client, store, provider } = here();
  client.disconnect();
  const failed = vi.fn<(error: unknown) => void>();
  const offer = () => ({ takers: [takerWith()], taken: () => {}, failed });
  const admissions = new Admissions(store, { node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32, offer });
  await expect(admissions.admit(admissionOf(provider), true)).rejects.toThrow(ToolgateError);
  expect(failed).toHaveBeenCalledOnce();
});

describe("where replicas confirm what may be told", () => {
  const NEW = { requestDigest: "-" };
  test.each([
    ["a new call that nobody can repeat", { confirming: true, older: false, told: false, call: NEW }, "at once"],
    ["one whose admission is told", { confirming: true, older: false, told: true, call: NEW }, "once confirmed"],
    ["one that can be repeated", { confirming: true, older: false, told: false, call: {} }, "once confirmed"],
    ["one that waited before", { confirming: true, older: true, told: false, call: NEW }, "once confirmed"],
    ["any while they do not confirm", { confirming: false, older: false, told: false, call: NEW }, "once confirmed"],
  ] as const)("a provider gets %s (%o) %s", async (_what, { confirming, older, told, call }, when) => {
    const { store, provider } = here();
    if (older) await admit(store, admissionOf(provider));
    const asked = deferred<void>();
    const confirmed = deferred<void>();
    const commits: Commits = {
      ...{ waits: true, confirming },
      run: async (redis, script, _shard, scriptKeys, args) => ({
        reply: await runScript(redis, script, scriptKeys, args),
        confirm() {
          asked.resolve();
          return confirmed.promise;
        },
      }),
      confirm: () => confirmed.promise,
    };
    const taken = vi.fn<Offer["taken"]>();
    const offer = () => ({ takers: [takerWith()], taken, failed: () => {} });
    const admissions = new Admissions(
      { ...store, commits },
      { ...{ node: NODE, healthWindowMs: LONG_MS, batchSize: () => 32 }, offer },
    );
    const answer = admissions.admit(admissionOf(provider, call), told);
    if (when === "once confirmed") {
      await asked.promise;
      expect(taken).not.toHaveBeenCalled();
      confirmed.resolve();
    }
    expect((await answer).kind).toBe("admitted");
    expect(taken).toHaveBeenCalledOnce();
  });
});
