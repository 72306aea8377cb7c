import { describe, expect, test } from "vitest";
import type { Delivery } from "../../../src/contract/contract.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { callerName } from "../../../src/identity/caller-name.js";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { makeHead, parseHead } from "../../../src/store/calls/call-record.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { LargeReadings } from "../../../src/store/calls/large-readings.js";
import { lookAtCalls, SHARD_START } from "../../../src/store/calls/list-calls.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { probeCalls, readCall } from "../../../src/store/calls/read-call.js";
import { reassignCalls } from "../../../src/store/calls/reassign.js";
import { renewClaims } from "../../../src/store/calls/renew-claims.js";
import { settleCalls } from "../../../src/store/calls/settle.js";
import { resumeCalls } from "../../../src/store/calls/take.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { changeStoredCall, endStoredCall, readStoredCall, type StoredCall } from "../../support/stored-values.js";
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

/** What a later version has appended, to a line of a record. */
const MORE = " trace-7 and-more";

async function stored(id: CallId): Promise<StoredCall> {
  const call = await readStoredCall(here().client, keys, id);
  if (call === undefined) throw new Error("it has no record");
  return call;
}

/** A waiting call to whose record a later version has appended. */
async function grown(more: Parameters<typeof admissionOf>[1] = {}): Promise<CallId> {
  const { client, store, provider } = here();
  const admission = admissionOf(provider, more);
  const { id } = admission;
  await admit(store, admission);
  await changeStoredCall(client, keys, id, { head: `${(await stored(id)).head}${MORE}`, more: MORE });
  return id;
}

async function expectHeadKept(id: CallId): Promise<void> {
  expect((await stored(id)).head).toMatch(new RegExp(`${MORE}$`));
}

async function expectKept(id: CallId): Promise<void> {
  await expectHeadKept(id);
  expect((await stored(id)).more).toBe(MORE);
}

describe("what a later version has appended to a call's record is kept", () => {
  test("when the call is claimed, renewed, watched, cancelled, and lost by its provider", async () => {
    const { client, store, provider } = here();
    const id = await grown({ delivery: "idempotent", watch: false });
    await readCall(store, id, { watcher: NODE });
    await expectKept(id);
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was not taken");
    await expectKept(id);
    const claim = { ...claimOf(provider.lease, call), toolset: TOOLSET, epoch: provider.lease.epoch };
    expect(await renewClaims(store, keys, NODE, [claim])).toEqual(["held"]);
    await expectKept(id);
    const hasty = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
    await renewClaims(hasty, keys, NODE, [claim]);
    await until("it is for others", async () => (await settleCalls(hasty, keys)).redelivered === 1);
    await expectKept(id);
    expect(await cancelCall(store, id)).toMatchObject({ kind: "ended" });
    await expectHeadKept(id);
    await expectKeysToExpire(client);
  });

  test("when the call goes to another epoch", async () => {
    const { client, store, provider } = here();
    const id = await grown();
    const next = await serve(registryStore(client), registrationOf(contractOf("2.0.0")), 10);
    const to = { epoch: next.lease.epoch, digest: "e".repeat(64) as never, maxBacklog: 10 }; // a made-up digest
    expect(await reassignCalls(store, TOOLSET, provider.lease.epoch, async () => to)).toEqual({ moved: 1, ended: 0 });
    await expectKept(id);
    expect((await readCall(store, id, {}))?.head).toMatchObject({ epoch: to.epoch, digest: to.digest });
  });

  test("when the call ends, of what was fixed at its admission", async () => {
    const { store, provider } = here();
    const id = await grown();
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was not taken");
    await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body: Buffer.from("3") }]);
    await expectHeadKept(id);
    expect(await readCall(store, id, {})).toMatchObject({ ending: { kind: "result", body: Buffer.from("3") } });
  });

  test("when Redis has lost the call, by what its node still knows", async () => {
    const { client, store, provider } = here();
    const id = await grown();
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was not taken");
    await client.del(keys.call(id));
    await new LostCalls(store, SILENT_LOGGER).end({ ...call, attempt: 1 });
    await expectHeadKept(id);
  });

  test("and to its end: readers find the body behind it", async () => {
    const { client, store, provider } = here();
    const id = await grown();
    const [call] = await take(store, provider.lease);
    if (call === undefined) throw new Error("it was not taken");
    await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body: Buffer.from("3") }]);
    const { terminal } = await stored(id);
    await changeStoredCall(client, keys, id, { terminal: terminal?.replace("\n", `${MORE}\n`) ?? "" });
    const end = { kind: "result", body: Buffer.from("3") };
    expect(await readCall(store, id, {})).toMatchObject({ state: "ended", ending: end });
    expect(await probeCalls(store, keys, [id])).toMatchObject([{ kind: "ended", ending: end }]);
    const again = { ...claimOf(provider.lease, call), kind: "result", reason: "", body: Buffer.from("3") } as const;
    expect(await complete(store, [again]), "a repeat of it").toEqual(["accepted"]);
  });
});

describe("a call in a state that this version does not know", () => {
  async function resting(more: Parameters<typeof admissionOf>[1] = {}): Promise<CallId> {
    const { client, store, provider } = here();
    const admission = admissionOf(provider, more);
    await admit(store, admission);
    await changeStoredCall(client, keys, admission.id, { state: "resting" });
    return admission.id;
  }

  test("is neither taken nor ended, and keeps its record, until its deadline; then its outcome is unknown", async () => {
    const { client, store, provider } = here();
    const timeoutMs = 300;
    const id = await resting({ timeoutMs });
    expect(await take(store, provider.lease)).toEqual([]);
    expect(await probeCalls(store, keys, [id])).toEqual([{ kind: "alive" }]);
    const reading = await readCall(store, id, {});
    expect(reading).toMatchObject({ state: "unknown", ending: undefined });
    expect(
      (
        await lookAtCalls(
          store,
          keys,
          { toolset: undefined, tool: undefined, caller: undefined, state: undefined },
          SHARD_START,
          10,
        )
      ).calls,
    ).toMatchObject([{ id, state: "unknown" }]);
    await until("it has ended", async () => {
      await settleCalls(store, keys);
      return (await readCall(store, id, {}))?.state === "ended";
    });
    const { ending } = (await readCall(store, id, {})) ?? {};
    expect(ending).toMatchObject({ kind: "outcome_unknown", reason: "DEADLINE_EXCEEDED" });
    const endedAtMs = ending !== undefined && "endedAtMs" in ending ? ending.endedAtMs : 0;
    expect(endedAtMs).toBeGreaterThanOrEqual(reading?.head.deadlineMs ?? Number.POSITIVE_INFINITY);
    expect(await client.keys(`${keys.prefix}damaged:*`)).toEqual([]);
  });

  test("is told to stop when it is cancelled, and to nobody else", async () => {
    const { store } = here();
    const id = await resting();
    expect(await cancelCall(store, id)).toEqual({ kind: "told" });
    expect(await readCall(store, id, {})).toMatchObject({ state: "unknown", cancelRequested: true });
    expect(await stored(id)).toMatchObject({ state: "resting" });
  });
});

describe.each(["suspended", "waiting_input", "queued2", "on-hold"])("a taken call in the state %s", (state) => {
  test("keeps it when its provider renews or brings it along, and is not delivered again", async () => {
    const { client, store, provider } = here();
    const { lease } = provider;
    const admission = admissionOf(provider);
    await admit(store, admission);
    const [call] = await take(store, lease);
    if (call === undefined) throw new Error("it was not taken");
    await changeStoredCall(client, keys, call.id, { state });
    const claim = { ...claimOf(lease, call), toolset: TOOLSET, epoch: lease.epoch };
    expect(await renewClaims(store, keys, NODE, [claim])).toEqual(["held"]);
    const kept = await resumeCalls(store, NODE, TOOLSET, lease.epoch, takerOf(lease), [call]);
    expect(kept).toMatchObject({ kind: "resumed", fenced: [], kept: [{ id: call.id }], undelivered: [] });
    const forgotten = await resumeCalls(store, NODE, TOOLSET, lease.epoch, takerOf(lease), []);
    expect(forgotten).toMatchObject({ kind: "resumed", undelivered: [] });
    expect((await stored(call.id)).state).toBe(state);
    expect(await client.keys(`${keys.prefix}damaged:*`)).toEqual([]);
  });
});

test.each([900, 1_100, 3_000, 20_000])("a caller's name of %d characters costs its call nothing", async (length) => {
  const { store, provider } = here();
  const admission = admissionOf(provider, { caller: callerName({ tenant: "t", id: "s".repeat(length) }) });
  await admit(store, admission);
  const filter = { toolset: undefined, tool: undefined, caller: undefined, state: undefined };
  expect((await lookAtCalls(store, keys, filter, SHARD_START, 10)).calls).toMatchObject([{ id: admission.id }]);
  expect(await probeCalls(store, keys, [admission.id])).toEqual([{ kind: "alive" }]);
  const [call] = await take(store, provider.lease);
  if (call === undefined) throw new Error("it was not taken");
  const body = Buffer.alloc(40_000, "7");
  await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body }]);
  const reader = { client: "c", signal: new AbortController().signal };
  expect(await new LargeReadings(store).ending(call.id, reader)).toMatchObject({ kind: "result", body });
  expect(await readCall(store, call.id, {})).toMatchObject({ state: "ended", ending: { kind: "large" } });
});

test("a call of a delivery mode that this version does not know is run once at most, and keeps its word for it", async () => {
  const { client, store, provider } = here();
  const admission = admissionOf(provider, { delivery: "idempotent" });
  await admit(store, admission);
  const was = parseHead((await stored(admission.id)).head);
  const { text: head } = makeHead({ ...was, delivery: "twice" as Delivery }); // as a later version might say it
  await changeStoredCall(client, keys, admission.id, { head });
  const hasty = callStore(client, { claimLeaseMs: { once: 1, idempotent: 1 } });
  expect(await take(hasty, provider.lease)).toMatchObject([{ id: admission.id }]);
  await until("its provider is taken for lost", async () => (await settleCalls(hasty, keys)).ended === 1);
  expect(await readCall(store, admission.id, {})).toMatchObject({
    head: { delivery: "once" },
    ending: { kind: "outcome_unknown", reason: "PROVIDER_LOST" },
  });
  expect((await stored(admission.id)).head).toBe(head);
});

test("an end of a kind that this version does not know is one: its outcome is unknown, and its reason is told", async () => {
  const { client, store, provider } = here();
  const admission = admissionOf(provider);
  await admit(store, admission);
  expect(await take(store, provider.lease)).toHaveLength(1);
  await endStoredCall(client, keys, admission.id, { kind: "postponed", reason: "TOO_EARLY", body: "3" });
  expect(await readCall(store, admission.id, {})).toMatchObject({
    state: "ended",
    ending: { kind: "unknown", reason: "TOO_EARLY" },
  });
  expect(await probeCalls(store, keys, [admission.id])).toMatchObject([{ kind: "ended", ending: { kind: "unknown" } }]);
});

test("a record says who made the call, when it was admitted, and when it was claimed first", async () => {
  const { store, provider } = here();
  const id = await grown({ delivery: "idempotent" });
  const { head } = (await readCall(store, id, {})) ?? {};
  expect(head).toMatchObject({ caller: "default anonymous" });
  const admittedMs = head?.admittedMs ?? 0;
  expect(head?.deadlineMs).toBe(admittedMs + admissionOf(provider).timeoutMs);
  expect((await stored(id)).claimed).toBe(0);
  const [call] = await take(store, provider.lease);
  if (call === undefined) throw new Error("it was not taken");
  const { claimed: first } = await stored(id);
  expect(first).toBeGreaterThanOrEqual(admittedMs);
  await complete(store, [{ ...claimOf(provider.lease, call), kind: "result", reason: "", body: Buffer.from("3") }]);
  expect(await stored(id)).toMatchObject({ claimed: first, terminal: expect.any(String) });
});
