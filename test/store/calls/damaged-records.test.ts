import { describe, expect, test } from "vitest";
import { sealContract } from "../../../src/contract/seal-contract.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { parseToolsetName } from "../../../src/identity/names.js";
import { appendOutput } from "../../../src/store/calls/append-output.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { probeCalls, readCall } from "../../../src/store/calls/read-call.js";
import { reassignCalls } from "../../../src/store/calls/reassign.js";
import { type Claim, renewClaims } from "../../../src/store/calls/renew-claims.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { resumeCalls, takeCalls } from "../../../src/store/calls/take.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { contractOf, keys, registrationOf, registryStore, serve, TOOLSET } from "../registry/registry-fixture.js";
import {
  admissionOf,
  admit,
  callStore,
  callsForFile,
  claimOf,
  complete,
  NODE,
  take,
  takerOf,
} from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const RESULT = { kind: "result", reason: "", body: Buffer.from("3") } as const;
const LOST = { kind: "outcome_unknown", reason: "STATE_LOST" } as const;

/** Changes a record; its expiry stays as it is. */
async function edit(key: string, what: RegExp, by: string): Promise<void> {
  const { client } = here();
  const record = (await client.get(key)) ?? "";
  expect(record).toMatch(what);
  await client.set(key, record.replace(what, by), "KEEPTTL");
}

/** What can have become of a record, by name; `lost` where its head can still be read. */
const DAMAGES = [
  ["another type", "gone", (key: string) => here().client.multi().del(key).lpush(key, "x").exec()],
  ["nothing of it left", "gone", (key: string) => here().client.set(key, "")],
  ["a head that does not parse", "gone", (key: string) => edit(key, /^\S+ \S+ /, "")],
  ["a delivery that is no word", "gone", (key: string) => edit(key, / once /, " 7 ")],
  ["no second line", "lost", (key: string) => edit(key, /\n.*$/s, "\n")],
  ["another format", "gone", (key: string) => edit(key, /^1 /, "2 ")],
  ["a state that is no word", "lost", (key: string) => edit(key, /\n\w+/, "\n7")],
  ["an entry that is none", "lost", (key: string) => edit(key, /\d+-\d+/, "x")],
  ["an attempt that is no number", "lost", (key: string) => edit(key, /\n(\w+) \d+/, "\n$1 x")],
  ["output of no size", "lost", (key: string) => edit(key, /(\d+-\d+ \d \S+) \S+/, "$1 x")],
] as const;

describe.each(DAMAGES)("a call's record with %s", (_, leaves, damage) => {
  const spoil = (id: CallId) => damage(keys.call(id));

  /** Two calls, the first of them damaged, that wait or are claimed. */
  async function pair(more: Parameters<typeof admissionOf>[1] = {}): Promise<readonly [CallId, CallId]> {
    const { store, provider } = here();
    const [bad, good] = [admissionOf(provider, more), admissionOf(provider, more)];
    await Promise.all([admit(store, bad), admit(store, good)]);
    return [bad.id, good.id];
  }
  async function claimedPair() {
    const { store, provider } = here();
    const [bad, good] = await pair();
    const calls = await take(store, provider.lease);
    await spoil(bad);
    const claim = (id: CallId) => claimOf(provider.lease, calls.find((call) => call.id === id) as (typeof calls)[0]); // both were taken
    return { bad: claim(bad), good: claim(good) };
  }
  /** Its call has ended as lost, or is not known any more; what was there is kept aside, for a day. */
  async function expectLost(id: CallId): Promise<void> {
    const { client, store } = here();
    const reading = await readCall(store, id, {});
    if (leaves === "lost") expect(reading).toMatchObject({ state: "ended", ending: LOST });
    else expect(reading).toBeUndefined();
    expect(await client.exists(keys.damaged(id))).toBe(1);
    expect(await client.zscore(keys.due, id)).toBeNull();
    await expectKeysToExpire(client);
  }

  test("does not keep others from being taken", async () => {
    const { store, provider } = here();
    const [bad, good] = await pair();
    await spoil(bad);
    expect((await take(store, provider.lease)).map(({ id }) => id)).toContain(good);
    await expectLost(bad);
  });
  test.each([
    [
      "completed",
      "accepted",
      (claims) =>
        complete(
          here().store,
          claims.map((claim) => ({ ...claim, ...RESULT })),
        ),
    ],
    [
      "given output",
      "kept",
      (claims) =>
        appendOutput(
          here().store,
          keys,
          claims.map((claim) => ({ ...claim, data: Buffer.from("1") })),
        ),
    ],
    [
      "renewed",
      "held",
      (claims) =>
        renewClaims(
          here().store,
          keys,
          NODE,
          claims.map((claim) => ({ ...claim, toolset: TOOLSET, epoch: here().provider.lease.epoch })),
        ),
    ],
  ] satisfies [string, string, (claims: readonly Claim[]) => Promise<readonly string[]>][])(
    "does not keep others from being %s",
    async (_done, answer, act) => {
      const { bad, good } = await claimedPair();
      expect((await act([bad, good]))[1]).toBe(answer);
      await expectLost(bad.id);
    },
  );
  test("does not keep others from being settled", async () => {
    const { store } = here();
    const [bad, good] = await pair({ timeoutMs: 1 });
    await spoil(bad);
    const settled = await until("a call was settled", async () => {
      const { ended } = await settleCalls(store, keys);
      return ended > 0 ? ended : undefined;
    });
    expect(settled).toBe(1);
    expect((await readCall(store, good, {}))?.ending).toMatchObject({ kind: "not_executed" });
    await expectLost(bad);
  });
  test("does not keep its provider from attaching anew", async () => {
    const { store, provider } = here();
    const { bad, good } = await claimedPair();
    const resumed = await resumeCalls(
      store,
      NODE,
      TOOLSET,
      provider.lease.epoch,
      takerOf(provider.lease),
      [bad, good].map(({ id, attempt }) => ({ id, attempt })),
    );
    expect(resumed).toMatchObject({ kept: [{ id: good.id }], fenced: [{ id: bad.id }] });
    await expectLost(bad.id);
  });
  test("does not keep others from being moved", async () => {
    const { store, provider } = here();
    const [bad, good] = await pair();
    await spoil(bad);
    await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => undefined);
    expect((await readCall(store, good, {}))?.ending).toMatchObject({ kind: "not_executed", reason: "EPOCH_GONE" });
    await expectLost(bad);
  });
  test("does not keep others from being looked up, and is cancelled like one that is lost", async () => {
    const { store } = here();
    const [bad, good] = await pair();
    await spoil(bad);
    expect((await probeCalls(store, keys, [bad, good]))[1]).toEqual({ kind: "alive" });
    expect(await cancelCall(store, bad)).toMatchObject(
      leaves === "lost" ? { kind: "ended", ending: LOST } : { kind: "unknown" },
    );
    await expectLost(bad);
  });
  test("is a lost call to whoever repeats it, whatever it asked: it may have run", async () => {
    const { store, provider } = here();
    const [bad, good] = await pair();
    await spoil(bad);
    const repeats = [bad, good].map((id) => admit(store, admissionOf(provider, { id })));
    const [ofBad, ofGood] = await Promise.all(repeats);
    expect(ofBad).toMatchObject({ kind: "repeated", ending: LOST });
    expect(ofGood).toMatchObject({ kind: "repeated", ending: undefined });
    expect(
      await takeCalls(store, NODE, TOOLSET, provider.lease.epoch, [{ ...takerOf(provider.lease), credits: 9 }]),
    ).toMatchObject([{ calls: [{ id: good }] }]);
  });
});

test("a line of calls that is no stream is set aside, and others are admitted", async () => {
  const { client, store, provider } = here();
  await client
    .multi()
    .del(keys.requests(TOOLSET, provider.lease.epoch))
    .set(keys.requests(TOOLSET, provider.lease.epoch), "x")
    .exec();
  const call = admissionOf(provider);
  expect(await admit(store, call)).toMatchObject({ kind: "admitted" });
  expect((await take(store, provider.lease)).map(({ id }) => id)).toEqual([call.id]);
  await expectKeysToExpire(client);
});

test("a line of calls that is no stream does not keep calls of other toolsets from their ends", async () => {
  const { client, store, provider } = here();
  const other = parseToolsetName("other", "name");
  const sealed = sealContract({ ...contractOf("1.0.0").contract, name: other });
  const neighbour = await serve(registryStore(client), registrationOf(sealed), 10);
  const brief = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
  const stuck = admissionOf(provider, { delivery: "idempotent" });
  await admit(brief, stuck);
  await take(brief, provider.lease);
  const requests = keys.requests(TOOLSET, provider.lease.epoch);
  await client.multi().del(requests).set(requests, "x").exec();
  const behind = admissionOf(neighbour, { toolset: other, timeoutMs: 1 });
  await admit(brief, behind);
  await until("both have ended", async () => {
    await settleCalls(brief, keys);
    return (await client.zcard(keys.due)) === 0;
  });
  expect((await readCall(store, behind.id, {}))?.ending).toMatchObject({ kind: "not_executed" });
  expect((await readCall(store, stuck.id, {}))?.ending).toMatchObject({ kind: "outcome_unknown" });
});

test("output that is in no stream does not keep other calls from their output and their ends", async () => {
  const { client, store, provider } = here();
  const calls = [admissionOf(provider), admissionOf(provider), admissionOf(provider)];
  for (const call of calls) await admit(store, call);
  const claims = (await take(store, provider.lease)).map((call) => claimOf(provider.lease, call));
  const bad = claims[1]?.id as CallId; // three were taken
  const spoil = () => client.multi().del(keys.result(bad)).set(keys.result(bad), "x").exec();
  const outputs = claims.map((claim) => ({ ...claim, data: Buffer.from("1") }));
  await spoil();
  expect(await appendOutput(store, keys, outputs)).toEqual(["kept", "kept", "kept"]);
  await spoil();
  const ends = claims.map((claim) => ({ ...claim, ...RESULT }));
  expect(await complete(store, ends)).toEqual(["accepted", "accepted", "accepted"]);
  expect(await Promise.all(calls.map(async ({ id }) => (await readCall(store, id, {}))?.deltas.length))).toEqual([
    1, 0, 1,
  ]);
  expect(await client.exists(keys.damaged(`result:${bad}`))).toBe(1);
  expect(await client.zcard(keys.due)).toBe(0);
  await expectKeysToExpire(client);
});
