import { expect, test } from "vitest";
import { listCalls } from "../../../src/gateway/list-calls.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { parseToolName, parseToolsetName } from "../../../src/identity/names.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { type CallFilter, lookAtCalls, SHARD_START } from "../../../src/store/calls/list-calls.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { keys, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callsForFile, claimOf, complete, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const ALL: CallFilter = { toolset: undefined, tool: undefined, caller: undefined, state: undefined };

/** Admits `count` calls; the ids in order. */
async function admitMany(count: number): Promise<CallId[]> {
  const { store, provider } = here();
  const admissions = Array.from({ length: count }, () =>
    admissionOf(provider, {
      destination: { ...admissionOf(provider).destination, maxBacklog: 10_000 },
      payload: Buffer.from('{"secret":1}'),
    }),
  );
  await Promise.all(admissions.map((admission) => admit(store, admission)));
  return admissions.map(({ id }) => id);
}

/** All pages of a list, and how many calls each had. */
async function pages(filter: CallFilter, size: number, between: () => Promise<void> = async () => {}) {
  const ids: CallId[] = [];
  const sizes: number[] = [];
  let pageToken = "";
  do {
    const page = await listCalls(here().store, filter, size, pageToken);
    ids.push(...page.calls.map(({ id }) => id));
    sizes.push(page.calls.length);
    pageToken = page.nextPageToken;
    await between();
  } while (pageToken !== "");
  return { ids, sizes };
}

test("calls that have not ended are listed with where they stand, and what they carry is not", async () => {
  const { client, store, provider } = here();
  const { value: ids, ...admitted } = await spanOf(client, () => admitMany(2));
  const [first = "" as CallId] = ids; // there are two
  const { value, ...claiming } = await spanOf(client, () => take(store, provider.lease, 1));
  const [taken] = value;
  const { calls, timeMs, nextPageToken } = await listCalls(store, ALL, 100, "");
  expect(nextPageToken).toBe("");
  const [claimed] = calls.filter(({ state }) => state === "claimed");
  const [queued] = calls.filter(({ state }) => state === "queued");
  expect(calls).toHaveLength(2);
  expect(claimed).toMatchObject({
    id: first,
    attempt: 1,
    cancelRequested: false,
    head: { toolset: TOOLSET, tool: "sum" },
  });
  expect(claimed?.claim).toEqual({ endsMs: expect.any(Number), provider: "p1", node: NODE });
  expectWithin(claimed?.claim?.endsMs, claiming, store.claimLeaseMs.once);
  expect(queued).toMatchObject({ attempt: 0, claim: undefined });
  expectWithin(queued?.queuedAtMs, admitted);
  expect(timeMs).toBeGreaterThanOrEqual(claiming.toMs);
  expect(JSON.stringify(calls)).not.toContain("secret");

  await cancelCall(store, first);
  expect((await listCalls(store, { ...ALL, state: "claimed" }, 100, "")).calls).toMatchObject([
    { cancelRequested: true },
  ]);
  if (taken === undefined) throw new Error("nothing was taken");
  await complete(store, [{ ...claimOf(provider.lease, taken), kind: "result", reason: "", body: Buffer.from("3") }]);
  expect((await listCalls(store, ALL, 100, "")).calls).toMatchObject([{ id: queued?.id }]);
});

test("by toolset, tool and state", async () => {
  const { store, provider } = here();
  await admitMany(3);
  await take(store, provider.lease, 2);
  const count = async (filter: Partial<CallFilter>) =>
    (await listCalls(store, { ...ALL, ...filter }, 100, "")).calls.length;
  expect(await count({ toolset: TOOLSET, tool: parseToolName("sum", "tool") })).toBe(3);
  expect(await count({ toolset: parseToolsetName("other", "toolset") })).toBe(0);
  expect(await count({ tool: parseToolName("other", "tool") })).toBe(0);
  expect(await count({ state: "claimed" })).toBe(2);
  expect(await count({ state: "queued" })).toBe(1);
});

test.each([25, 140])("%i calls come in pages of the size that was asked for, each once", async (count) => {
  const admitted = await admitMany(count);
  const { ids, sizes } = await pages(ALL, 10);
  expect(Math.max(...sizes)).toBe(10);
  expect(ids.sort()).toEqual(admitted.sort());
});

test("the few calls that are left of many come in pages of the size that was asked for", async () => {
  // Redis keeps the table that a set of over 128 needed.
  const admitted = await admitMany(200);
  await here().client.zrem(keys.due, ...admitted.slice(5));
  const { ids, sizes } = await pages(ALL, 2);
  expect(Math.max(...sizes)).toBe(2);
  expect(ids.sort()).toEqual(admitted.slice(0, 5).sort());
});

test("of many calls no page looks at more than it may, and none is missed while others come, are claimed and end", async () => {
  const { store, provider } = here();
  const admitted = await admitMany(1_500);
  const { calls } = await lookAtCalls(store, keys, ALL, SHARD_START, 1_000);
  expect(calls.length).toBeLessThan(300);
  const { ids, sizes } = await pages(ALL, 100, async () => {
    await admitMany(20);
    await take(store, provider.lease, 10);
  });
  expect(Math.max(...sizes)).toBe(100);
  const listed = new Set(ids);
  expect(admitted.filter((id) => !listed.has(id))).toEqual([]);
});

test("a filter that nothing fits ends its pages early, with a token to go on", async () => {
  const { client, store } = here();
  const lost = Array.from({ length: 6_000 }, (_, index) => ["1", `0.lost-${index}`]);
  await client.zadd(keys.due, ...lost.flat());
  const filter = { ...ALL, tool: parseToolName("other", "tool") };
  const { calls, nextPageToken } = await listCalls(store, filter, 10, "");
  expect(calls).toEqual([]);
  expect(nextPageToken).not.toBe("");
});

test("damaged records, lost ones and a damaged set are passed over, and left as they are", async () => {
  const { client, store } = here();
  const [first, second, third, fourth, well] = await admitMany(5);
  await client.del(`${keys.prefix}call:${first}`);
  await client.multi().del(`${keys.prefix}call:${second}`).lpush(`${keys.prefix}call:${second}`, "x").exec();
  await client.set(`${keys.prefix}call:${third}`, "x".repeat(5_000_000));
  await client.set(`${keys.prefix}call:${fourth}`, "");
  await client.zadd(keys.due, 1, "no id");
  expect((await listCalls(store, ALL, 100, "")).calls.map(({ id }) => id)).toEqual([well]);
  expect(await client.exists(`${keys.prefix}call:${third}`)).toBe(1);
  expect(await client.keys(`${keys.prefix}damaged:*`)).toEqual([]);

  await client.multi().del(keys.due).set(keys.due, "x").exec();
  expect(await listCalls(store, ALL, 100, "")).toMatchObject({ calls: [], nextPageToken: "" });
  await client.del(keys.due, ...[second, third, fourth].map((id) => `${keys.prefix}call:${id}`));
});

test("a token of another list, or of none, is refused", async () => {
  const { store } = here();
  await admitMany(3);
  const { nextPageToken } = await listCalls(store, ALL, 1, "");
  await expect(listCalls(store, { ...ALL, state: "queued" }, 1, nextPageToken)).rejects.toMatchObject({
    reason: "INVALID_REQUEST",
  });
  await expect(listCalls(store, ALL, 1, "x")).rejects.toMatchObject({ reason: "INVALID_REQUEST" });
});
