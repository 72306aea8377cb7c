import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Watches } from "../../src/catalog/watch.js";
import { parseNodeId, parseRegistryName } from "../../src/identity/names.js";
import type { WatchResponse } from "../../src/protocol/generated/toolgate/v1/WatchResponse.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { SearchIndex } from "../../src/search/search-index.js";
import { type OpenCatalog, openCatalog } from "../front/services/open-catalog.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { contract, HandWrittenCatalog, monotonicMs, type OpenCopy, openCopy, tool } from "./hand-written-catalog.js";

expectNoLeaks();
const redis = redisForFile();

/** Each look at the service's clock is one small step of its work, which takes so long. */
const STEP_MS = 0.1;
const TOOLSETS = 600;
const NAMES = Array.from({ length: TOOLSETS }, (_, index) => `t${String(index).padStart(4, "0")}`);

let catalog: HandWrittenCatalog;
let opened: OpenCopy;
let index: SearchIndex;
let watches: Watches;
let service: OpenCatalog;
let steps = 0;

beforeEach(async () => {
  catalog = new HandWrittenCatalog(redis().client());
  await Promise.all(
    NAMES.map((name) => catalog.writeActive(contract(name, { description: "y".repeat(5_000), tags: ["ordinary"] }))),
  );
  const tools = Array.from({ length: 100 }, (_, at) =>
    tool(`t${at}`, { payload: { type: "object", description: "z".repeat(36_000) } }),
  );
  await catalog.writeActive(contract("large", { tools }));
  opened = await openCopy(redis(), { sweepMs: 50 });
  index = new SearchIndex(opened.copy, monotonicMs);
  watches = new Watches(opened.copy);
  steps = 0;
  service = openCatalog({
    catalog: opened.copy,
    searchIndex: index,
    watches,
    leaseClock: { nowMs: () => 1_000_000 },
    keyspace: createKeyspace(parseRegistryName("test", "registry"), 1),
    healthRule: { intervalMs: 10_000, missed: 3 },
    registry: "test",
    nodes: () => [{ id: "n1", version: "1.2.3" }],
    node: parseNodeId("n1", "node"),
    limits: {},
    monotonicMs: () => ++steps * STEP_MS,
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  watches.stop();
  await index.stop();
  await opened.stop();
  catalog.redis.disconnect();
});

/** A whole snapshot, as its messages. */
async function snapshotOf(toolsets: readonly string[] = []): Promise<WatchResponse[]> {
  const messages: WatchResponse[] = [];
  const stream = service.watch({ revision: "", toolsets: [...toolsets] }, { signal: new AbortController().signal });
  for await (const message of stream) {
    messages.push(message);
    if (message.snapshot?.more !== true) break;
  }
  return messages;
}

const namesIn = (messages: readonly WatchResponse[]) =>
  messages.flatMap(({ snapshot }) => (snapshot?.toolsets ?? []).map(({ name }) => name));

test("300 watches that begin at once are given one snapshot's messages", async () => {
  const snapshots = await Promise.all(Array.from({ length: 300 }, () => snapshotOf()));
  for (const snapshot of snapshots) expect(namesIn(snapshot)).toEqual(["large", ...NAMES]);
  const [first] = snapshots;
  expect(new Set(snapshots.flat()).size).toBe(first?.length);
  // A few looks at the clock for each question, and one for each toolset: not one for each toolset of each watch.
  expect(steps).toBeLessThan(10 * TOOLSETS);
});

test("changes are told to all who watch by one message", async () => {
  const streams = Array.from({ length: 100 }, () =>
    service.watch({ revision: "", toolsets: [] }, { signal: new AbortController().signal }),
  );
  const settle = async (stream: AsyncGenerator<WatchResponse>) => {
    while ((await stream.next()).value?.snapshot?.more === true);
  };
  await Promise.all(streams.map(settle));
  const news = streams.map((stream) => stream.next());
  const made = steps;
  await catalog.announce("registered", "t0001");
  const messages = (await Promise.all(news)).map(({ value }) => value as WatchResponse); // none of them ends
  expect(messages[0]?.changes).toMatchObject([{ toolset: "t0001", summary: { name: "t0001" } }]);
  expect(new Set(messages).size).toBe(1);
  expect(steps - made).toBeLessThan(10 * streams.length);
  watches.stop();
  await Promise.allSettled(streams.map((stream) => stream.next()));
});

test("a change makes another snapshot", async () => {
  const [before] = await snapshotOf();
  await catalog.setHealth("t0000", 1, "active", "999000 1020000 8");
  await opened.copy.refresh(opened.copy.get("t0000")?.name as never); // it is there
  const [after] = await snapshotOf();
  expect(before?.snapshot?.toolsets?.[1]).toMatchObject({ epochs: [{ health: { healthy: false } }] });
  expect(after?.snapshot?.toolsets?.[1]).toMatchObject({ epochs: [{ health: { healthy: true } }] });
});

test("watches that can share nothing hold the loop no longer together than one slice", async () => {
  let most = 0;
  let running = true;
  const all = Promise.all(Array.from({ length: 100 }, (_, at) => snapshotOf(NAMES.slice(at)))).finally(() => {
    running = false;
  });
  for (let last = steps; running; last = steps) {
    await setImmediate();
    most = Math.max(most, (steps - last) * STEP_MS);
  }
  const snapshots = await all;
  for (const [at, snapshot] of snapshots.entries()) expect(namesIn(snapshot)).toEqual(NAMES.slice(at));
  expect(steps * STEP_MS).toBeGreaterThan(4_000);
  // The slice is 4 ms, and two of our turns may fall between two looks.
  expect(most).toBeLessThan(20);
});

test("400 who get a large toolset have one answer, and its schemas are written as JSON once", async () => {
  const get = (more = {}) => service.getToolset({ name: "large", epoch: 0, tools: [], ...more });
  const stringify = vi.spyOn(JSON, "stringify");
  const schemas = () => stringify.mock.calls.filter(([value]) => (value as { type?: string }).type === "object").length;
  const answers = await Promise.all(Array.from({ length: 400 }, () => get()));
  expect(new Set(answers).size).toBe(1);
  expect(schemas()).toBe(100);
  // Its health is new, its contract is not.
  await catalog.setHealth("large", 1, "active", "999000 1020000 8");
  await opened.copy.refresh(opened.copy.get("large")?.name as never); // it is there
  const later = await get();
  expect(later).toMatchObject({ digest: answers[0]?.digest, epochs: [{ health: { room: 8 } }] });
  expect((await get({ tools: ["t7"] })).contract?.tools?.map(({ name }) => name)).toEqual(["t7"]);
  expect(schemas()).toBe(100);
});

test("one page of a list is made for all who ask for it", async () => {
  const list = (pageSize: number) =>
    service.listToolsets({ tags: [], health: "HEALTH_FILTER_UNSPECIFIED", pageSize, pageToken: "" });
  const pages = await Promise.all(Array.from({ length: 100 }, () => list(500)));
  expect(new Set(pages).size).toBe(1);
  expect((await list(10)).toolsets).toHaveLength(10);
});
