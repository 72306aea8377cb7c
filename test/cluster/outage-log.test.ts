import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { gate } from "./tools.js";

expectNoLeaks();

/** Calls whose results come while Redis is away: each is handed in again and again, by itself. */
const HELD = 50;
/** How many lines such a time may have: some for each connection and for each thing that a node does again and again. */
const MOST_LINES = 15;

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
beforeAll(async () => {
  redis = await privateRedis({ appendOnly: true });
  cluster = await startCluster({ redis, nodes: 1, config: { ...FAST, claimLeaseOnceMs: 60_000 } });
  agent = await connect(cluster.nodes);
});
afterAll(async () => {
  await agent?.close();
  await cluster?.stop();
  await redis?.stop();
});

interface Line {
  readonly level: string;
  readonly time: string;
  readonly event: string;
  readonly fault?: string;
  readonly times?: number;
}

/** What the node has logged since a time. */
function saidSince(startMs: number): readonly Line[] {
  const lines = cluster.output(0).map((line) => JSON.parse(line) as Line); // a node writes nothing else
  return lines.filter(({ time }) => Date.parse(time) >= startMs);
}

test.each([
  ["stopped", 2_000, () => redis.kill(), () => redis.restart()],
  // A node takes two seconds to give up a Redis that says nothing.
  ["frozen", 4_000, () => redis.freeze(), () => redis.thaw()],
])(
  "while Redis is %s under load, a node says so a few times, and then how often",
  async (how, awayMs, leave, comeBack) => {
    const held = gate();
    let begun = 0;
    const late = {
      payload: Type.Object({}),
      run: async () => {
        begun++;
        await held.passed;
        return "done";
      },
    };
    const toolset = { name: how, version: "1.0.0", tools: { late } };
    const provider = await serveToolset(toolset, { nodes: cluster.nodes, maxInFlight: HELD });
    await until("it can be called", async () => (await agent.get(how)).healthy);
    const calls = Array.from({ length: HELD }, () => agent.invoke(how, "late", {}, { timeoutMs: 60_000 }));
    const ends = Promise.allSettled(calls);
    await until("all run", () => begun === HELD);

    const startMs = Date.now();
    await leave();
    held.open();
    const load = Array.from({ length: 4 }, async () => {
      let refused = 0;
      while (Date.now() < startMs + awayMs) await agent.invoke(how, "late", {}).catch(() => refused++);
      return refused;
    });
    for (const refused of await Promise.all(load)) expect(refused).toBeGreaterThan(0);
    await comeBack();
    for (const end of await ends) expect(end).toEqual({ status: "fulfilled", value: "done" });
    const over = await until(
      "the node says that results are taken again",
      () => saidSince(startMs).find(({ event, fault }) => event === "fault_over" && fault === "complete_failed"),
      { withinMs: 20_000 },
    );
    expect(over.times).toBeGreaterThan(HELD);
    const complaints = saidSince(startMs).filter(({ level }) => level !== "info");
    expect(complaints.length, complaints.map(({ event }) => event).join(" ")).toBeLessThanOrEqual(MOST_LINES);
    await provider.stop();
  },
);
