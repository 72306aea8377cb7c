import { beforeEach, expect, test } from "vitest";
import { SILENT_LOGGER } from "../../../src/observe/logger.js";
import { type CallHead, makeHead, parseHead } from "../../../src/store/calls/call-record.js";
import { LostCalls } from "../../../src/store/calls/lost-calls.js";
import { readCall } from "../../../src/store/calls/read-call.js";
import { renewClaims } from "../../../src/store/calls/renew-claims.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { keys, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, beginToServe, callsForFile, claimOf, complete, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();
let lost: LostCalls;
beforeEach(() => {
  lost = new LostCalls(here().store, SILENT_LOGGER);
});

/** A call that is in flight when Redis loses everything; as its provider's session knows it. */
async function lose() {
  const { client, store, provider } = here();
  const admission = admissionOf(provider);
  await admit(store, admission);
  const [call] = await take(store, provider.lease);
  if (call === undefined) throw new Error("nothing was taken");
  const claim = claimOf(provider.lease, call);
  await client.flushall();
  return { admission, call, claim };
}

test("its provider's session is told that the record is gone, not that another has the call", async () => {
  const { store, provider } = here();
  const { claim } = await lose();
  const body = Buffer.from("3");
  expect(await complete(store, [{ ...claim, kind: "result", reason: "", body }])).toEqual(["gone"]);
  const heard = { ...claim, toolset: TOOLSET, epoch: provider.lease.epoch };
  expect(await renewClaims(store, keys, NODE, [heard])).toEqual(["gone"]);
});

test("a lost call ends once, for whoever says so and whoever asks, and expires as its handle said", async () => {
  const { client, store } = here();
  const { call } = await lose();
  const ending = await lost.end(call);
  expect(ending).toMatchObject({ kind: "outcome_unknown", reason: "STATE_LOST", attempt: 1 });
  expect(await lost.end({ ...call, attempt: 0 }), "of those who wait for it").toEqual(ending);
  const reading = await readCall(store, call.id, {});
  expect(reading?.ending).toEqual(ending);
  const head = reading?.head as CallHead; // it was just read
  expect(head.text).toBe(call.head);
  expect(await client.pexpiretime(keys.call(call.id))).toBe(head.deadlineMs + head.retentionMs);
  await expectKeysToExpire(client);
});

test("a repeat of it finds that end, and does not run it again", async () => {
  const { registry, store } = here();
  const { admission, call } = await lose();
  const ending = await lost.end(call);
  const provider = await beginToServe(registry);
  const repeat = { ...admission, destination: { ...admission.destination, epoch: provider.lease.epoch } };
  expect(await admit(store, repeat)).toMatchObject({ kind: "repeated", ending });
  expect(await take(store, provider.lease)).toEqual([]);
});

test("a call that was admitted anew meanwhile is left alone, alive or ended", async () => {
  const { registry, store } = here();
  const { admission, call } = await lose();
  const provider = await beginToServe(registry);
  await admit(store, { ...admission, destination: { ...admission.destination, epoch: provider.lease.epoch } });
  expect(await lost.end(call)).toBeUndefined();
  const [again] = await take(store, provider.lease);
  if (again === undefined) throw new Error("it runs again");
  await complete(store, [{ ...claimOf(provider.lease, again), kind: "result", reason: "", body: Buffer.from("4") }]);
  expect(await lost.end(call)).toMatchObject({ kind: "result", body: Buffer.from("4") });
});

test("a call whose record has expired in time is not known any more, and stays so", async () => {
  const { call } = await lose();
  const { text: head } = makeHead({ ...parseHead(call.head), deadlineMs: 1_000, retentionMs: 1_000 }); // long ago
  expect(await lost.end({ ...call, head })).toBeUndefined();
  expect(await readCall(here().store, call.id, {})).toBeUndefined();
});
