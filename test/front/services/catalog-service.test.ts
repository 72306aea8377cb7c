import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Watches } from "../../../src/catalog/watch.js";
import { parseContract } from "../../../src/contract/parse-contract.js";
import { sealContract } from "../../../src/contract/seal-contract.js";
import { parseNodeId, parseRegistryName } from "../../../src/identity/names.js";
import type { ListToolsetsRequest__Output } from "../../../src/protocol/generated/toolgate/v1/ListToolsetsRequest.js";
import type { ListToolsetsResponse } from "../../../src/protocol/generated/toolgate/v1/ListToolsetsResponse.js";
import type { SearchRequest__Output } from "../../../src/protocol/generated/toolgate/v1/SearchRequest.js";
import type { WatchResponse } from "../../../src/protocol/generated/toolgate/v1/WatchResponse.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { createKeyspace } from "../../../src/redis/keys.js";
import { SearchIndex } from "../../../src/search/search-index.js";
import { LeaseClock } from "../../../src/store/lease-clock.js";
import { VERSION } from "../../../src/version.js";
import {
  contract,
  HandWrittenCatalog,
  monotonicMs,
  name,
  type OpenCopy,
  openCopy,
  tool,
} from "../../catalog/hand-written-catalog.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { redisForFile } from "../../support/redis.js";
import { until } from "../../support/until.js";
import { type OpenCatalog, openCatalog } from "./open-catalog.js";

expectNoLeaks();
const redis = redisForFile();
const NOW_MS = 1_000_000;
const HEALTHY = `${NOW_MS - 1_000} ${NOW_MS + 20_000} 8`;
const LIST: ListToolsetsRequest__Output = { tags: [], health: "HEALTH_FILTER_UNSPECIFIED", pageSize: 0, pageToken: "" };
const SEARCH: SearchRequest__Output = { ...LIST, query: "" };

let catalog: HandWrittenCatalog;
let opened: OpenCopy;
let index: SearchIndex;
let watches: Watches;
let service: OpenCatalog;

beforeEach(() => {
  catalog = new HandWrittenCatalog(redis().client());
});

const keyspace = createKeyspace(parseRegistryName("test", "registry"), 2);

async function serve(leaseClock: Pick<LeaseClock, "nowMs"> = { nowMs: () => NOW_MS }): Promise<void> {
  opened = await openCopy(redis(), { sweepMs: 50 });
  const { copy } = opened;
  index = new SearchIndex(copy, monotonicMs);
  index.start();
  watches = new Watches(copy);
  service = openCatalog({
    catalog: copy,
    searchIndex: index,
    watches,
    leaseClock,
    keyspace,
    healthRule: { intervalMs: 10_000, missed: 3 },
    registry: "test",
    nodes: () => [{ id: "n1", version: "1.2.3" }],
    node: parseNodeId("n1", "node"),
    limits: { maxPayloadBytes: 7 },
    monotonicMs,
  });
}

test("tells what the registry is and accepts", async () => {
  await serve();
  expect(await service.getRegistry()).toEqual({
    registry: "test",
    nodeId: "n1",
    version: VERSION,
    limits: { maxPayloadBytes: 7 },
    nodes: [{ nodeId: "n1", version: "1.2.3" }],
  });
});

afterEach(async () => {
  watches.stop();
  await index.stop();
  await opened.stop();
  catalog.redis.disconnect();
});

describe("ListToolsets", () => {
  test("lists by name, with health as of now, and a revision to watch from", async () => {
    await catalog.writeActive(contract("b", { title: "B", description: "x".repeat(600), tags: ["t"] }), 7, HEALTHY);
    await catalog.write("a", [
      { epoch: 1, contract: contract("a", { version: "1.0.0" }), state: "retiring" },
      { epoch: 2, contract: contract("a", { version: "2.0.0", tools: [tool("x"), tool("y")] }) },
    ]);
    const id = await catalog.append("registered", "b");
    await serve();
    const { toolsets, nextPageToken, stale, revision } = await service.listToolsets(LIST);
    expect({ nextPageToken, stale, revision }).toEqual({ nextPageToken: "", stale: false, revision: id });
    expect(toolsets).toMatchObject([
      {
        name: "a",
        version: "2.0.0",
        toolCount: 2,
        epochs: [
          { epoch: 2, state: "EPOCH_STATE_ACTIVE" },
          { epoch: 1, state: "EPOCH_STATE_RETIRING" },
        ],
      },
      {
        name: "b",
        title: "B",
        description: "x".repeat(512),
        tags: ["t"],
        toolCount: 1,
        epochs: [
          { epoch: 7, health: { healthy: true, lastPongMs: NOW_MS - 1_000, room: 8, liveUntilMs: NOW_MS + 20_000 } },
        ],
      },
    ]);
  });

  test("a shard that does not answer holds up its own healths, and no other's", async () => {
    let nowMs = NOW_MS;
    const clock = new LeaseClock({ nowMs: () => nowMs });
    const [away, there] = keyspace.shards.map((keys) => {
      clock.heard(keys, undefined);
      const own = Array.from({ length: 100 }, (_, at) => name(`t${at}`)).find(
        (each) => keyspace.forToolset(each) === keys,
      );
      if (own === undefined) throw new Error("names are spread evenly");
      return { keys, own };
    });
    if (away === undefined || there === undefined) throw new Error("there are two");
    for (const { own } of [away, there]) await catalog.writeActive(contract(own), 1, HEALTHY);
    await serve(clock);
    nowMs += 30_000; // all leases have ended by now, but one shard's providers cannot renew theirs
    clock.heard(there.keys, undefined);
    const healthy = (toolset: string) => ({ name: toolset, epochs: [{ health: { healthy: true } }] });
    const unhealthy = (toolset: string) => ({ name: toolset, epochs: [{ health: { healthy: false } }] });
    const expected = [healthy(away.own), unhealthy(there.own)].sort((a, b) => (a.name < b.name ? -1 : 1));
    expect((await service.listToolsets(LIST)).toolsets).toMatchObject(expected);
    const found = await service.listToolsets({ ...LIST, health: "HEALTH_FILTER_HEALTHY" });
    expect(found.toolsets?.map(({ name }) => name)).toEqual([away.own]);
    const { hits = [] } = await service.search({ ...SEARCH, query: there.own });
    expect(hits.find(({ toolset }) => toolset === there.own)).toMatchObject({ healthy: false });
    const { epochs } = await service.getToolset({ name: there.own, epoch: 0, tools: [] });
    expect(epochs).toMatchObject([{ health: { healthy: false } }]);
  });

  test("pages by name through any number, as large as the page may be", async () => {
    const names = Array.from({ length: 250 }, (_, index) => `t${String(index).padStart(3, "0")}`);
    await Promise.all(names.map((toolset) => catalog.writeActive(contract(toolset))));
    await serve();
    const listed: (string | undefined)[] = [];
    let pageToken = "";
    const sizes: number[] = [];
    do {
      const page = await service.listToolsets({ ...LIST, pageToken });
      sizes.push(page.toolsets?.length ?? 0);
      listed.push(...(page.toolsets ?? []).map(({ name }) => name));
      pageToken = page.nextPageToken ?? "";
    } while (pageToken !== "");
    expect(sizes).toEqual([100, 100, 50]);
    expect(listed).toEqual(names);
    expect((await service.listToolsets({ ...LIST, pageSize: 4_000_000_000 })).toolsets).toHaveLength(250);
    const exactly = await service.listToolsets({ ...LIST, pageSize: 250 });
    expect(exactly.nextPageToken).toBe("");
  });

  test("a page goes on after its last name, whatever has gone meanwhile", async () => {
    for (const toolset of ["a", "b", "c", "d"]) await catalog.writeActive(contract(toolset));
    await serve();
    const { nextPageToken } = await service.listToolsets({ ...LIST, pageSize: 2 });
    await catalog.erase("b", 1);
    await opened.copy.refresh(name("b"));
    const rest = await service.listToolsets({ ...LIST, pageSize: 2, pageToken: nextPageToken ?? "" });
    expect(rest.toolsets?.map(({ name }) => name)).toEqual(["c", "d"]);
  });

  test("filters by all tags and by health", async () => {
    await catalog.writeActive(contract("a", { tags: ["x", "y"] }), 1, HEALTHY);
    await catalog.writeActive(contract("b", { tags: ["x"] }));
    await serve();
    const named = async (facts: object) =>
      (await service.listToolsets({ ...LIST, ...facts })).toolsets?.map(({ name }) => name);
    expect(await named({ tags: ["x"] })).toEqual(["a", "b"]);
    expect(await named({ tags: ["x", "y"] })).toEqual(["a"]);
    expect(await named({ health: "HEALTH_FILTER_HEALTHY" })).toEqual(["a"]);
    expect(await named({ health: "HEALTH_FILTER_UNHEALTHY" })).toEqual(["b"]);
    expect(await named({ tags: ["y"], health: "HEALTH_FILTER_UNHEALTHY" })).toEqual([]);
  });

  test.each([
    ["page_token", { pageToken: "?" }],
    ["tags", { tags: [""] }],
    ["tags", { tags: ["x".repeat(65)] }],
    ["tags", { tags: Array.from({ length: 33 }, (_, index) => `t${index}`) }],
  ])("a bad %s is refused", async (field, facts) => {
    await serve();
    await expect(service.listToolsets({ ...LIST, ...facts })).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
      violations: [{ field }],
    });
  });

  test("leaves out a record that turns out to be unreadable", async () => {
    await catalog.writeActive(contract("good"));
    await catalog.write("bad", [{ epoch: 1, contract: contract("impostor") }]);
    await serve();
    expect((await service.listToolsets(LIST)).toolsets).toMatchObject([{ name: "good" }]);
    expect(opened.copy.quarantined()).toMatchObject([{ toolset: "bad" }]);
  });

  test("names what is damaged on the first page, at most a hundred, and not what can be called all the same", async () => {
    await catalog.writeActive(contract("good"));
    await catalog.write("half", [
      { epoch: 1, contract: contract("half") },
      { epoch: 2, contract: contract("impostor"), state: "candidate" },
    ]);
    const { toolsets } = catalog.keyspace.forToolset(name("good"));
    for (let i = 0; i < 120; i++) await catalog.redis.hset(toolsets, `bad-${100 + i}`, "{");
    await serve();
    const page = await service.listToolsets({ ...LIST, pageSize: 1 });
    expect(page.quarantined).toHaveLength(100);
    expect(page.quarantined?.[0]).toEqual({ name: "bad-100", reason: "its record is not JSON" });
    const next = await service.listToolsets({ ...LIST, pageSize: 1, pageToken: page.nextPageToken ?? "" });
    expect(next.quarantined).toEqual([]);
  });

  test("says that it is stale while Redis is away, and answers all the same", async () => {
    await catalog.writeActive(contract("files"));
    await serve();
    await redis().kill();
    await until("the answer is stale", async () => (await service.listToolsets(LIST)).stale);
    expect((await service.listToolsets(LIST)).toolsets).toMatchObject([{ name: "files" }]);
    expect(await service.getToolset({ name: "files", epoch: 0, tools: [] })).toMatchObject({ epoch: 1, stale: true });
    expect(await service.search({ ...SEARCH, query: "files" })).toMatchObject({
      hits: [{ toolset: "files" }, {}],
      stale: true,
    });
    await redis().restart();
    await until("the answer is fresh", async () => !(await service.listToolsets(LIST)).stale);
  });
});

describe("GetToolset", () => {
  test("says of a toolset whose record is damaged what is wrong with it, and what to do", async () => {
    await catalog.redis.hset(catalog.keyspace.forToolset(name("bad")).toolsets, "bad", "{");
    await catalog.write("torn", [{ epoch: 7, contract: contract("impostor") }]);
    await serve();
    await service.listToolsets(LIST); // which finds that a contract is another's
    await expect(service.getToolset({ name: "bad", epoch: 0, tools: [] })).rejects.toMatchObject({
      reason: "TOOLSET_DAMAGED",
      message: expect.stringMatching(/its record is not JSON.*registers it again.*unregister bad --epoch 1$/),
    });
    await expect(service.getToolset({ name: "torn", epoch: 0, tools: [] })).rejects.toMatchObject({
      reason: "TOOLSET_DAMAGED",
      message: expect.stringContaining("--epoch 7"),
    });
  });

  const rich = contract("files", {
    title: "Files",
    description: "All of it.",
    tags: ["a", "b"],
    tools: [
      tool("read", {
        title: "Read",
        tags: ["t"],
        payload: { type: "object", properties: { path: { type: "string" } } },
        result: true,
        annotations: { readOnlyHint: true, openWorldHint: false },
        delivery: "idempotent",
        timeoutMs: 5_000,
      }),
      tool("write"),
    ],
  });

  test("gives the contract back as it was registered: parsed again it has the same digest", async () => {
    await catalog.writeActive(rich, 9, HEALTHY);
    await serve();
    const answer = await service.getToolset({ name: "files", epoch: 0, tools: [] });
    const { responseSerialize, responseDeserialize } = loadProtocol().Catalog.service.GetToolset;
    const received = responseDeserialize(responseSerialize(answer));
    const parsed = parseContract(received.contract, { maxContractBytes: 4_194_304, maxSchemaBytes: 262_144 });
    expect(parsed).toEqual(rich);
    expect(sealContract(parsed).digest).toBe(received.digest);
    expect(received).toMatchObject({ epoch: 9, stale: false, epochs: [{ epoch: 9, health: { healthy: true } }] });
  });

  test("gives each epoch's own contract, and refuses one that is not there by naming those that are", async () => {
    await catalog.write("files", [
      { epoch: 1, contract: contract("files", { version: "1.0.0" }), state: "retiring" },
      { epoch: 2, contract: rich },
    ]);
    await serve();
    expect(await service.getToolset({ name: "files", epoch: 1, tools: [] })).toMatchObject({
      epoch: 1,
      contract: { version: "1.0.0", tools: [{ name: "run" }] },
    });
    await expect(service.getToolset({ name: "files", epoch: 3, tools: [] })).rejects.toMatchObject({
      reason: "EPOCH_MISMATCH",
      message: '"files" has no epoch 3; it has 2 (active), 1 (retiring)',
    });
  });

  test("shows only the tools that are asked for, of a contract that is larger than a channel may take", async () => {
    await catalog.writeActive(contract("files", { tools: ["read", "stat", "write"].map((name) => tool(name)) }));
    await serve();
    const answer = await service.getToolset({ name: "files", epoch: 0, tools: ["write", "read", "read"] });
    expect(answer.contract?.tools?.map(({ name }) => name)).toEqual(["read", "write"]);
    const whole = await service.getToolset({ name: "files", epoch: 0, tools: [] });
    expect(whole.digest).toBe(answer.digest);
    await expect(service.getToolset({ name: "files", epoch: 0, tools: ["reed"] })).rejects.toMatchObject({
      reason: "UNKNOWN_TOOL",
      message: '"files" has no tool "reed"; did you mean "read"?',
    });
  });

  test("an unknown name is refused with the near ones", async () => {
    await catalog.writeActive(contract("files"));
    await serve();
    await expect(service.getToolset({ name: "flies", epoch: 0, tools: [] })).rejects.toMatchObject({
      reason: "UNKNOWN_TOOLSET",
      message: 'no toolset "flies" is registered; did you mean "files"?',
    });
    await expect(service.getToolset({ name: "No Name", epoch: 0, tools: [] })).rejects.toMatchObject({
      reason: "INVALID_REQUEST",
    });
  });
});

test("Search finds toolsets and tools, with a page size that is bounded", async () => {
  const tools = Array.from({ length: 300 }, (_, index) => tool(`file_${index}`));
  await catalog.writeActive(contract("files", { tools }), 1, HEALTHY);
  await serve();
  const page = await service.search({ ...SEARCH, query: "flie" });
  expect(page.hits).toHaveLength(20);
  expect(page.hits?.every(({ healthy }) => healthy)).toBe(true);
  expect((await service.search({ ...SEARCH, query: "file", pageSize: 100_000 })).hits).toHaveLength(200);
});

describe("a large catalogue", () => {
  const names = Array.from({ length: 900 }, (_, index) => `big-${String(index).padStart(4, "0")}`);

  test("comes in pages and parts that every client takes, with nothing cut short", async () => {
    const texts = { title: "日".repeat(256), description: "本".repeat(512) };
    for (const name of names) await catalog.writeActive(contract(name, texts));
    await serve();
    const { ListToolsets, Watch } = loadProtocol().Catalog.service;

    const pages: ListToolsetsResponse[] = [];
    for (let pageToken = ""; pages.length === 0 || pageToken !== ""; pageToken = pages.at(-1)?.nextPageToken ?? "") {
      pages.push(await service.listToolsets({ ...LIST, pageSize: 1_000, pageToken }));
    }
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(ListToolsets.responseSerialize(page).length).toBeLessThan(1_200_000);
    expect(pages.flatMap((page) => page.toolsets?.map(({ name }) => name))).toEqual(names);

    const parts: WatchResponse[] = [];
    for await (const step of service.watch({ revision: "", toolsets: [] }, { signal: new AbortController().signal })) {
      parts.push(step);
      if (step.snapshot?.more !== true) break;
    }
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) expect(Watch.responseSerialize(part).length).toBeLessThan(1_200_000);
    expect(parts.map(({ revision }) => revision ?? "")).toEqual([...parts.slice(1).map(() => ""), "0-0"]);
    const toolsets = parts.flatMap((part) => part.snapshot?.toolsets ?? []);
    expect(toolsets.map(({ name }) => name).sort()).toEqual(names);
    expect(toolsets.every(({ description }) => description === texts.description)).toBe(true);
  });
});

describe("Watch", () => {
  test("answers in the protocol's words, from a snapshot on", async () => {
    await catalog.writeActive(contract("files"), 3, HEALTHY);
    await serve();
    const leaving = new AbortController();
    const steps = service.watch({ revision: "", toolsets: [] }, { signal: leaving.signal });
    const { value: snapshot } = await steps.next();
    expect(snapshot).toMatchObject({
      revision: "0-0",
      snapshot: { toolsets: [{ name: "files", epochs: [{ epoch: 3 }] }] },
    });
    const id = await catalog.announce("healthy", "files", 3);
    const { value: change } = await steps.next();
    expect(change).toEqual({
      revision: id,
      changes: [
        {
          kind: "CHANGE_KIND_HEALTHY",
          toolset: "files",
          epoch: 3,
          atMs: Number(id.split("-")[0]),
          summary: expect.objectContaining({ name: "files", toolCount: 1 }),
        },
      ],
    });
    leaving.abort();
    expect(await steps.next()).toEqual({ done: true, value: undefined });
  });

  test.each([
    ["toolsets[1]", { revision: "", toolsets: ["a", "B!"] }],
    ["toolsets", { revision: "", toolsets: Array.from({ length: 1_001 }, () => "a") }],
    ["revision", { revision: "1".repeat(5_000), toolsets: [] }],
  ])("a bad %s is refused", async (field, request) => {
    await serve();
    const steps = service.watch(request, { signal: new AbortController().signal });
    await expect(steps.next()).rejects.toMatchObject({ reason: "INVALID_REQUEST", violations: [{ field }] });
  });
});
