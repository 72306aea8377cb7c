import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ToolsetView } from "../../src/catalog/toolset-view.js";
import { type Epoch, parseNodeId, parseToolsetName } from "../../src/identity/names.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { Pinger } from "../../src/upkeep/pinger.js";
import { keys, registryStore, TOOLSET } from "../store/registry/registry-fixture.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { SILENT_FAULTS } from "../support/silent-faults.js";
import { until } from "../support/until.js";
import { leaderThat, toolsetOf } from "./toolset-of.js";

expectNoLeaks();
const redis = redisForFile();

/** Long enough for the pinger's own loop never to come to its turn. */
const INTERVAL_MS = 3_600_000;
const NOW_MS = 1_764_000_000_000;

interface PingingNode {
  readonly pinger: Pinger;
  readonly heard: string[];
  readonly connections: RedisConnections;
}
let nodes: PingingNode[];
let leads: boolean;
let nowMs: number;
let toolsets: ToolsetView[];

beforeEach(async () => {
  leads = true;
  nowMs = NOW_MS;
  toolsets = [toolsetOf(TOOLSET, { epoch: 7 as Epoch, liveUntilMs: NOW_MS + 2 * INTERVAL_MS })]; // a made-up one
  nodes = await Promise.all(["a", "b", "c"].map((name) => start(name)));
});
afterEach(async () => {
  for (const { pinger, connections } of nodes) {
    await pinger.stop();
    await connections.stop();
  }
});

async function start(name: string): Promise<PingingNode> {
  const connections = createConnections({
    redisUrl: redis().url,
    lockTtlMs: 1_000,
    log: SILENT_LOGGER,
    onReady: () => {},
  });
  await connections.start();
  const heard: string[] = [];
  const pinger = new Pinger({
    registry: registryStore(connections.command.client),
    leader: leaderThat(() => leads),
    clock: { nowMs: () => nowMs },
    leaseClock: { nowMs: () => nowMs },
    subscriber: connections.subscriber,
    node: parseNodeId(name, "node"),
    rule: { intervalMs: INTERVAL_MS, missed: 3 },
    toolsets: () => toolsets,
    onPing: (toolset, epoch, slot) => heard.push(`${toolset} ${epoch} ${slot}`),
    faults: SILENT_FAULTS,
  });
  await pinger.start();
  return { pinger, heard, connections };
}
const SLOT = Math.floor(NOW_MS / INTERVAL_MS);
/** Whatever was published before has come to every node. */
async function allHeard(): Promise<void> {
  nowMs += INTERVAL_MS;
  const slot = Math.floor(nowMs / INTERVAL_MS);
  toolsets = [toolsetOf(parseToolsetName("last", "name"), { epoch: 1 as Epoch, liveUntilMs: nowMs + 1 })]; // a made-up one
  leads = true;
  await nodes[0]?.pinger.tick();
  await until("the last ping came", () => nodes.every(({ heard }) => heard.includes(`last 1 ${slot}`)));
}
const heardOf = (name: string) => nodes.map(({ heard }) => heard.filter((line) => line.startsWith(`${name} `)));

describe("a slot", () => {
  test("is emitted once, to all nodes, also by two pingers at once and again and again", async () => {
    await Promise.all([...nodes, ...nodes].map(({ pinger }) => pinger.tick()));
    await allHeard();
    expect(heardOf("math")).toEqual([[`math 7 ${SLOT}`], [`math 7 ${SLOT}`], [`math 7 ${SLOT}`]]);
  });

  test("is followed by the next one", async () => {
    await nodes[0]?.pinger.tick();
    nowMs += INTERVAL_MS;
    await nodes[1]?.pinger.tick();
    await allHeard();
    expect(heardOf("math")[2]).toEqual([`math 7 ${SLOT}`, `math 7 ${SLOT + 1}`]);
  });

  test("is not emitted by a node that does not lead", async () => {
    leads = false;
    await Promise.all(nodes.map(({ pinger }) => pinger.tick()));
    await allHeard();
    expect(heardOf("math")).toEqual([[], [], []]);
  });

  test("pings every epoch that somebody serves, and no other", async () => {
    toolsets = [
      toolsetOf(
        TOOLSET,
        { epoch: 7 as Epoch, liveUntilMs: NOW_MS + 1 },
        { epoch: 8 as Epoch, state: "candidate", liveUntilMs: NOW_MS + 1 },
        { epoch: 6 as Epoch, state: "retiring", liveUntilMs: NOW_MS + 1 },
        { epoch: 5 as Epoch, state: "retiring", liveUntilMs: NOW_MS },
      ), // made-up ones
    ];
    await nodes[0]?.pinger.tick();
    await allHeard();
    expect(heardOf("math")[1]).toEqual([`math 7 ${SLOT}`, `math 8 ${SLOT}`, `math 6 ${SLOT}`]);
  });

  test("pings thousands of epochs, each once", async () => {
    toolsets = Array.from({ length: 1_201 }, (_, i) =>
      toolsetOf(parseToolsetName(`many-${i}`, "name"), { epoch: 1 as Epoch, liveUntilMs: NOW_MS + 1 }),
    ); // a made-up one
    await nodes[0]?.pinger.tick();
    await allHeard();
    const lines = nodes[2]?.heard.filter((line) => line.startsWith("many-")) ?? [];
    expect(new Set(lines).size).toBe(1_201);
    expect(lines).toHaveLength(1_201);
  });

  test("leaves a key that expires", async () => {
    const client = redis().client();
    await nodes[0]?.pinger.tick();
    expect(await client.get(keys.slot(SLOT))).toBe("a");
    const left = await client.pttl(keys.slot(SLOT));
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(2 * INTERVAL_MS + 60_000);
    client.disconnect();
  });
});

test("a stopped pinger hears nothing any more", async () => {
  const [, , last] = nodes;
  await last?.pinger.stop();
  await nodes[0]?.pinger.tick();
  await until("the others heard", () => nodes.slice(0, 2).every(({ heard }) => heard.length === 1));
  expect(last?.heard).toEqual([]);
});
