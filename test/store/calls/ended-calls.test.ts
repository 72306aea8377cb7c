import { expect, test } from "vitest";
import { type EndedFilter, listEndedCalls } from "../../../src/gateway/list-ended-calls.js";
import type { CallId } from "../../../src/identity/call-id.js";
import { callerName } from "../../../src/identity/caller-name.js";
import { parseToolName } from "../../../src/identity/names.js";
import { cancelCall } from "../../../src/store/calls/cancel.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { expectWithin, spanOf } from "../../support/redis-span.js";
import { keys, TOOLSET } from "../registry/registry-fixture.js";
import { admissionOf, admit, callsForFile, claimOf, complete, NODE, take } from "./calls-fixture.js";

expectNoLeaks();
const here = callsForFile();

const ALL: EndedFilter = {
  toolset: undefined,
  tool: undefined,
  caller: undefined,
  kinds: [],
  minTotalMs: 0,
  sinceMs: 0,
};
const EVERYTHING = { scope: [], maySee: () => true, seal: undefined };

type More = Parameters<typeof admissionOf>[1];

/** Runs calls to their ends, one by one; their ids in order. */
async function run(kind: "result" | "tool_error", count: number, more: More = {}, reason = ""): Promise<CallId[]> {
  const { store, provider } = here();
  const ids: CallId[] = [];
  for (let made = 0; made < count; made++) {
    const admission = admissionOf(provider, more);
    await admit(store, admission);
    const [taken] = await take(store, provider.lease, 1);
    if (taken === undefined) throw new Error("the call is not there to be taken");
    await complete(store, [{ ...claimOf(provider.lease, taken), kind, reason, body: Buffer.from('{"secret":1}') }]);
    ids.push(admission.id);
  }
  return ids;
}

async function list(filter: Partial<EndedFilter> = {}, size = 1_000) {
  const ids: CallId[] = [];
  const sizes: number[] = [];
  let pageToken = "";
  do {
    const page = await listEndedCalls(here().store, { ...ALL, ...filter }, size, pageToken, EVERYTHING);
    ids.push(...page.calls.map(({ id }) => id));
    sizes.push(page.calls.length);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return { ids, sizes };
}

test("a call that has ended is listed with how it did, and what it carries is not", async () => {
  const { client, store } = here();
  const { value, ...running } = await spanOf(client, () => run("result", 1));
  const { calls, nextPageToken, sampled } = await listEndedCalls(store, ALL, 10, "", EVERYTHING);
  expect({ nextPageToken, sampled }).toEqual({ nextPageToken: "", sampled: false });
  expect(calls).toMatchObject([
    {
      id: value[0],
      kind: "result",
      reason: "",
      attempt: 1,
      node: NODE,
      provider: "p1",
      head: { toolset: TOOLSET, tool: "sum" },
    },
  ]);
  const [call] = calls;
  for (const time of [call?.head.admittedMs, call?.claimedMs, call?.endedMs]) expectWithin(time, running);
  expect(JSON.stringify(calls)).not.toContain("secret");
});

test("the latest comes first, over both streams and any number of pages", async () => {
  const first = await run("result", 3);
  const second = await run("tool_error", 2, {}, "BROKEN");
  const third = await run("result", 3);
  const expected = [...first, ...second, ...third].reverse();
  // Ends of one millisecond are in no order among each other.
  const one = await list();
  expect([...one.ids].sort()).toEqual([...expected].sort());
  for (const size of [1, 3, 8]) expect(await list({}, size)).toMatchObject({ ids: one.ids });
  expect((await list({}, 3)).sizes.slice(0, 2)).toEqual([3, 3]);
});

test("filters leave out what they do not fit", async () => {
  const { client } = here();
  const ada = callerName({ tenant: "default", id: "ada" });
  const [result] = await run("result", 1);
  const [failed] = await run("tool_error", 1, { tool: parseToolName("other", "tool") }, "BROKEN");
  const [adas] = await run("result", 1, { caller: ada });
  expect((await list({ kinds: ["tool_error"] })).ids).toEqual([failed]);
  expect((await list({ kinds: ["cancelled"] })).ids).toEqual([]);
  expect((await list({ tool: parseToolName("other", "tool") })).ids).toEqual([failed]);
  expect((await list({ caller: ada })).ids).toEqual([adas]);
  expect((await list({ toolset: TOOLSET })).ids).toHaveLength(3);
  expect((await list({ minTotalMs: 60_000 })).ids).toEqual([]);
  const [seconds = "0"] = await client.time().then((time) => time.map(String));
  expect((await list({ sinceMs: (Number(seconds) + 60) * 1_000 })).ids).toEqual([]);
  expect((await list({ sinceMs: 1 })).ids).toContain(result);
});

test("a call that ends without a provider is listed too, without one", async () => {
  const { store, provider } = here();
  const admission = admissionOf(provider);
  await admit(store, admission);
  await cancelCall(store, admission.id);
  const { calls } = await listEndedCalls(store, ALL, 10, "", EVERYTHING);
  expect(calls).toMatchObject([
    { id: admission.id, kind: "not_executed", reason: "CANCELLED", attempt: 0, claimedMs: 0, provider: "", node: "" },
  ]);
});

test("what a caller may not see takes no place on its page", async () => {
  const ids = await run("result", 4);
  const [hidden] = ids;
  const lister = { scope: ["some"], maySee: () => true, seal: undefined };
  const all = await listEndedCalls(here().store, ALL, 10, "", lister);
  const times = all.calls.find(({ id }) => id === hidden)?.head.admittedMs;
  const some = { ...lister, maySee: (head: { readonly admittedMs: number }) => head.admittedMs !== times };
  const page = await listEndedCalls(here().store, ALL, 10, "", some);
  expect(page.calls.map(({ id }) => id)).not.toContain(hidden);
  expect(page.nextPageToken).toBe("");
});

test("of many results that end at once a part is listed, and all that remain are said to be left out; failures have room of their own", async () => {
  const { store, provider } = here();
  const admissions = Array.from({ length: 40 }, () =>
    admissionOf(provider, { destination: { ...admissionOf(provider).destination, maxBacklog: 1_000 } }),
  );
  await Promise.all(admissions.map((admission) => admit(store, admission)));
  const taken = await take(store, provider.lease, 40);
  await complete(
    store,
    taken.map((call, index) => ({
      ...claimOf(provider.lease, call),
      kind: index < 38 ? ("result" as const) : ("tool_error" as const),
      reason: index < 38 ? "" : "BROKEN",
      body: Buffer.from("{}"),
    })),
  );
  const { calls, sampled } = await listEndedCalls(store, ALL, 100, "", EVERYTHING);
  expect(calls.filter(({ kind }) => kind === "tool_error")).toHaveLength(2);
  expect(calls.filter(({ kind }) => kind === "result").length).toBeLessThanOrEqual(4);
  expect(sampled).toBe(true);
});

test("what stands in a stream's place is set aside, and the next end is listed", async () => {
  const { client } = here();
  await client.set(keys.ended("ended"), "not a stream");
  expect((await list()).ids).toEqual([]);
  const ids = await run("result", 1);
  expect((await list()).ids).toEqual(ids);
  expect(await client.get(keys.damaged("ended"))).toBe("not a stream");
});

test("nothing is kept of calls that were admitted where calls are not listed", async () => {
  const { client, provider } = here();
  const store = { ...here().store, listEnded: false };
  const admission = admissionOf(provider);
  await admit(store, admission);
  await cancelCall(store, admission.id);
  expect(await client.exists(keys.ended("ended"), keys.ended("ended-remarkable"))).toBe(0);
});
