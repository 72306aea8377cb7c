import { expect, test } from "vitest";
import type { CallId } from "../../../src/identity/call-id.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { claimDeliveries, type DeliveryVerdict, finishDelivery } from "../../../src/store/deliveries/delivery-queue.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { admissionOf, admit, callsForFile, claimOf, complete, take } from "../calls/calls-fixture.js";
import { keys } from "../registry/registry-fixture.js";

/** What webhooks are to be told waits in Redis from a call's end on, until it is told or given up. */

expectNoLeaks();
const here = callsForFile();

const BILLING = "default/billing";
const AUDIT = "default/audit";
const LONG_MS = 60_000;
const NOW: DeliveryVerdict = { kind: "retry", why: "STATUS_500", delayMs: 0 };

/** Runs a call to its end. */
async function run(webhooks: string | undefined, body = '{"secret":1}'): Promise<CallId> {
  const { store, provider } = here();
  const admission = admissionOf(provider, webhooks === undefined ? {} : { webhooks });
  await admit(store, admission);
  const [taken] = await take(store, provider.lease, 1);
  if (taken === undefined) throw new Error("the call is not there to be taken");
  const claim = claimOf(provider.lease, taken);
  await complete(store, [{ ...claim, kind: "result", reason: "", body: Buffer.from(body) }]);
  return admission.id;
}

const claim = (claimMs = LONG_MS, most = 10) =>
  claimDeliveries(
    here().client,
    keys,
    [BILLING, AUDIT].map((webhook) => [webhook, most]),
    claimMs,
  );

test("a call's end is queued for each of its webhooks, once, and without what it carries", async () => {
  const { client } = here();
  const id = await run(`${BILLING},${AUDIT}`);
  const claimed = await claim();
  expect(claimed).toMatchObject([
    { webhook: BILLING, attempt: 1, call: { id, kind: "result", reason: "", attempt: 1 } },
    { webhook: AUDIT, attempt: 1, call: { id } },
  ]);
  expect(JSON.stringify(await client.hgetall(keys.webhookDeliveries(BILLING)))).not.toContain("secret");
  expect(await claim()).toEqual([]); // it is another node's for now
  for (const delivery of claimed) expect(await finishDelivery(client, keys, delivery, { kind: "done" })).toBe(true);
  expect(await client.keys(`${keys.prefix}webhook*`)).toEqual([]);
});

test("a call that no webhook is told of leaves nothing", async () => {
  await run(undefined);
  expect(await here().client.keys(`${keys.prefix}webhook*`)).toEqual([]);
});

test("an attempt that is not finished within its claim is another's, and the first counts no more", async () => {
  const { client } = here();
  await run(BILLING);
  const [first] = await claim(0);
  const [second] = await claim();
  if (first === undefined || second === undefined) throw new Error("it is offered again");
  expect([first.attempt, second.attempt]).toEqual([1, 2]);
  expect(await finishDelivery(client, keys, first, { kind: "done" })).toBe(false);
  expect(await finishDelivery(client, keys, second, NOW)).toBe(true);
  const [third] = await claim();
  expect(third).toMatchObject({ attempt: 3, call: { id: second.call.id } });
});

test("a retry waits for its time, and what is given up is kept with its reason", async () => {
  const { client } = here();
  const id = await run(BILLING);
  const [first] = await claim();
  if (first === undefined) throw new Error("it is queued");
  await finishDelivery(client, keys, first, { ...NOW, delayMs: LONG_MS });
  expect(await claim()).toEqual([]);
  const due = Number(await client.zscore(keys.webhookDue(BILLING), id));
  await client.zadd(keys.webhookDue(BILLING), due - LONG_MS, id);
  const [second] = await claim();
  if (second === undefined) throw new Error("its time has come");
  await finishDelivery(client, keys, second, { kind: "failed", why: "STATUS_500" });
  expect(await claim(0)).toEqual([]);
  const [[, fields] = []] = await client.xrange(keys.webhookFailed(BILLING), "-", "+");
  expect(fields).toEqual(["call", id, "why", "STATUS_500", "attempts", "2", "end", expect.stringContaining(id)]);
});

test("calls that end otherwise are told too, also one whose record is damaged", async () => {
  const { client, store, provider } = here();
  const cancelled = admissionOf(provider, { webhooks: BILLING });
  await admit(store, cancelled);
  await cancelCall(store, cancelled.id);
  expect(await claim()).toMatchObject([{ call: { id: cancelled.id, kind: "not_executed", reason: "CANCELLED" } }]);
  const damaged = admissionOf(provider, { webhooks: BILLING });
  await admit(store, damaged);
  const record = keys.call(damaged.id);
  const [head] = String(await client.get(record)).split("\n");
  await client.set(record, `${head}\nnonsense`, "KEEPTTL");
  await cancelCall(store, damaged.id);
  expect(await claim()).toMatchObject([{ call: { id: damaged.id, kind: "outcome_unknown", reason: "STATE_LOST" } }]);
});

test("a webhook that takes nothing fills its own queue only, and what has no room is given up", async () => {
  const { client } = here();
  const members = Array.from({ length: 5_000 }, (_, nth) => [LONG_MS * 1e9, `waits-${nth}`]).flat();
  await client.zadd(keys.webhookDue(BILLING), ...(members as [number, string]));
  const id = await run(`${BILLING},${AUDIT}`);
  expect(await claim()).toMatchObject([{ webhook: AUDIT, call: { id } }]);
  const [[, fields = []] = []] = await client.xrange(keys.webhookFailed(BILLING), "-", "+");
  expect(fields.slice(0, 4)).toEqual(["call", id, "why", "QUEUE_FULL"]);
});

test("what is in a queue's place keeps no call from ending, and is kept aside", async () => {
  const { client } = here();
  const names = [keys.webhookDue(BILLING), keys.webhookDeliveries(BILLING)];
  for (const key of names) await client.set(key, "nonsense", "PX", LONG_MS);
  const id = await run(BILLING);
  expect(await claim()).toMatchObject([{ call: { id } }]);
  for (const key of [...names, keys.webhookFailed(BILLING)]) await client.set(key, "nonsense", "PX", LONG_MS);
  expect(await claim()).toEqual([]);
  const next = await run(BILLING);
  const [again] = await claim();
  expect(again).toMatchObject({ call: { id: next } });
  if (again !== undefined) await finishDelivery(client, keys, again, { kind: "failed", why: "GONE" });
  expect(await client.xlen(keys.webhookFailed(BILLING))).toBe(1);
  expect(await client.keys(`${keys.prefix}damaged:webhook*`)).toHaveLength(3);
});

test("a later version's delivery is left to nodes that know it", async () => {
  const { client } = here();
  const id = await run(BILLING);
  const held = keys.webhookDeliveries(BILLING);
  await client.hset(held, id, "2 something else");
  expect(await claim(0)).toEqual([]);
  expect(await client.hget(held, id)).toBe("2 something else");
});
