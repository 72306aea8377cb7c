import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { type CallId, randomCallId } from "../../../src/identity/call-id.js";
import { parseRegistryName } from "../../../src/identity/names.js";
import { DEFAULT_TENANT } from "../../../src/identity/tenant.js";
import { createKeyspace } from "../../../src/redis/keys.js";
import type { CallLimit } from "../../../src/store/call-limits/call-limit.js";
import { type ReservationAnswer, Reservations } from "../../../src/store/call-limits/reservations.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { expectKeysToExpire, expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { admissionOf, admit, callStore, callsForFile } from "../calls/calls-fixture.js";
import { LONG_MS } from "../registry/registry-fixture.js";
import { limitOf, rateOf } from "./limits-fixture.js";

/** Calls are in shard 0, and what their callers may do is counted in another one. */

expectNoLeaks();
const here = callsForFile();

const keyspace = createKeyspace(parseRegistryName("test", "registry"), 16);
const keys = keyspace.forTenant(DEFAULT_TENANT);
const aCall = (): CallId => randomCallId(0, randomBytes);

/** What a node has, on the file's Redis. */
function node() {
  const reservations = new Reservations(callStore(here().client, { keyspace }), () => performance.now());
  const reserve = (limits: readonly CallLimit[], id = aCall()): Promise<ReservationAnswer> =>
    reservations.reserve({ id, keys, limits, timeoutMs: LONG_MS });
  return { reservations, reserve };
}
const count = (answers: readonly ReservationAnswer[]): number =>
  answers.filter(({ kind }) => kind === "reserved").length;

test("all nodes together reserve no more than a limit allows", async () => {
  const nodes = [node(), node(), node(), node()];
  const limits = [rateOf(20, LONG_MS), limitOf("daily", 15, "daily"), limitOf("running", 10, "running")];
  const answers = await Promise.all(Array.from({ length: 200 }, (_, i) => nodes[i % 4]?.reserve(limits)));
  expect(count(answers.filter((answer) => answer !== undefined))).toBe(10);
  await expectKeysToExpire(here().client);
});

test("a call that is not admitted gives everything back", async () => {
  const { client } = here();
  const { reservations, reserve } = node();
  const limits = [
    rateOf(1, LONG_MS),
    limitOf("daily", 1, "daily"),
    limitOf("total", 1, "total"),
    limitOf("running", 1, "running"),
  ];
  for (let i = 0; i < 3; i++) {
    const answer = await reserve(limits);
    if (answer.kind !== "reserved") throw new Error(`limited by ${answer.refusal.limit.kind}`);
    expect(answer.reserved.limits).toEqual(limits);
    expect((await reserve(limits)).kind).toBe("limited");
    await reservations.giveBack(answer.reserved);
  }
  expect(await client.zcard(keys.running(limits[3]?.subject ?? ""))).toBe(0);
});

test("a repeat keeps the place of the call that runs, and does not give it back", async () => {
  const { client } = here();
  const { reservations, reserve } = node();
  const running = limitOf("running", 1, "running");
  const id = aCall();
  const answers = await Promise.all([reserve([running], id), reserve([running], id), reserve([running], id)]);
  expect(count(answers)).toBe(3);
  const held = answers.map((answer) => (answer.kind === "reserved" ? answer.reserved : undefined));
  expect(held.map((reserved) => reserved?.limits)).toEqual([[running], [], []]);
  for (const reserved of held.slice(1)) if (reserved !== undefined) await reservations.giveBack(reserved);
  expect(await client.zrange(keys.running(running.subject), "0", "-1")).toEqual([id]);
});

test("a full set of unfinished calls is looked through for those that have ended, on whatever node", async () => {
  const { store, provider } = here();
  const running = limitOf("running", 2, "running");
  const calls = [admissionOf(provider), admissionOf(provider)];
  const [one, other] = [node(), node()];
  for (const call of calls) {
    expect((await one.reserve([running], call.id)).kind).toBe("reserved");
    await admit(store, call);
  }
  expect((await other.reserve([running])).kind).toBe("limited");
  for (const { id } of calls.slice(1)) await cancelCall(store, id);
  await until("its place is free", async () => (await other.reserve([running])).kind === "reserved");
  expect((await one.reserve([running])).kind).toBe("limited");
});
