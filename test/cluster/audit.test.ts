import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AuditRecord, connect, type Provider, type Toolgate } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Ledger, serveLab } from "./tools.js";

/** What the audit has of a cluster, over nodes that are killed and over two tenants. */

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let agents: Toolgate[];
let provider: Provider;

beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, config: { ...FAST, missedPings: 20, audit: "calls", shards: 4 } });
  agents = await Promise.all(cluster.addresses.map((address) => connect(address)));
  const ledger: Ledger = { runs: [] };
  provider = await serveLab(ledger, { nodes: cluster.nodes });
  await until("every node can call the toolset", async () =>
    (await Promise.all(agents.map((agent) => agent.get("lab")))).every(({ healthy }) => healthy),
  );
});
afterAll(async () => {
  await provider?.stop();
  for (const agent of agents ?? []) await agent.close();
  await cluster?.stop();
  await redis?.stop();
});

const agent = (index = 0): Toolgate => agents[index] as Toolgate; // one for each node

async function recordsOf(
  filter: Parameters<Toolgate["audit"]["query"]>[0] = {},
  of = agent(1),
): Promise<AuditRecord[]> {
  const found: AuditRecord[] = [];
  for await (const record of of.audit.query(filter)) found.push(record);
  return found;
}

test("a call, its end, and a registration are found through every node, in order", async () => {
  await agent().invoke("lab", "sum", { a: 1, b: 2 }, { runId: "found", toolCallId: "1" });
  for (const one of agents) {
    const records = await recordsOf({ toolset: "lab" }, one);
    expect(records.map(({ at }) => at.getTime())).toEqual(
      records.map(({ at }) => at.getTime()).toSorted((a, b) => a - b),
    );
    expect(records.map(({ event, verb, outcome, executed }) => [event, verb, outcome, executed])).toEqual([
      ["change", "register", "allowed", undefined],
      ["call", "call", "allowed", undefined],
      ["end", "call", "result", "yes"],
    ]);
  }
});

test("a tail follows what is written from then on, on another node", async () => {
  const stop = new AbortController();
  const seen: AuditRecord[] = [];
  const following = (async () => {
    for await (const record of agent(2).audit.tail({ tool: "sum", signal: stop.signal })) seen.push(record);
  })().catch((error: unknown) => {
    if (!stop.signal.aborted) throw error;
  });
  await until("it has been seen", async () => {
    await agent().invoke("lab", "sum", { a: 1, b: 2 });
    return seen.some(({ event }) => event === "end");
  });
  stop.abort();
  await following;
  expect(seen.every(({ tool }) => tool === "sum")).toBe(true);
});

test("a tool's error and a refusal are no success, and no texts of theirs are recorded", async () => {
  const canary = "CANARY-4711";
  await expect(agent().invoke("lab", "fail", { message: canary } as never)).rejects.toThrow();
  await expect(agent().invoke("lab", "sum", { a: canary } as never)).rejects.toThrow();
  await expect(agent().invoke("nothing", "sum", { a: 1 })).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
  await until("they are recorded", async () => (await recordsOf({ event: "refusal" })).length >= 2);
  const records = await recordsOf();
  expect(
    records.filter(({ outcome }) => outcome === "refused").map(({ toolset, executed }) => [toolset, executed]),
  ).toContainEqual(["nothing", "no"]);
  for (const key of await redis.client().keys("*audit:*")) {
    expect(JSON.stringify(await redis.client().xrange(key, "-", "+"))).not.toContain(canary);
  }
});

test("many refusals take little room", async () => {
  const refused = Array.from({ length: 500 }, () =>
    agent()
      .invoke("lab", "missing", {})
      .catch(() => {}),
  );
  await Promise.all(refused);
  const total = async () => {
    const records = await recordsOf({ event: "refusal", tool: "missing" });
    const rest = (await recordsOf({ event: "refusal", toolset: "lab" })).filter(({ omitted }) => omitted > 0);
    return { records: records.length, all: records.length + rest.reduce((sum, { omitted }) => sum + omitted, 0) };
  };
  await until("all are accounted for", async () => (await total()).all >= 500);
  expect((await total()).records).toBeLessThanOrEqual(100);
});

test("pages have every record once, and belong to their question", async () => {
  const all = (await recordsOf()).map(({ id }) => id);
  expect(new Set(all).size).toBe(all.length);
  const small: string[] = [];
  for await (const { id } of agent().audit.query({ event: "call" })) small.push(id);
  expect(small.length).toBeLessThan(all.length);
});

/** How often each agent makes its calls, in milliseconds. */
const ROUND_MS = 50;
/** Thousands of records are read at each look. */
const PATIENT = { withinMs: 90_000, everyMs: 250 };

describe("when nodes are killed under load", () => {
  test("every call that was acknowledged is recorded, with its end, and the seals hold", async () => {
    const acknowledged: string[] = [];
    const stop = new AbortController();
    const load = agents.map(async (one, index) => {
      for (let i = 0; !stop.signal.aborted; i++) {
        const ids = { runId: `kill-${index}`, toolCallId: `${i}` };
        const calls = Array.from({ length: 8 }, (_, n) =>
          one.call("lab", "sum", { a: n, b: i }, { ...ids, toolCallId: `${i}-${n}` }).catch(() => undefined),
        );
        for (const call of await Promise.all(calls)) if (call !== undefined) acknowledged.push(call.callId);
        // All of it is read back, again and again.
        await pause(ROUND_MS);
      }
    });
    await until("calls are under way", () => acknowledged.length > 100);
    await cluster.kill(0);
    const atKill = acknowledged.length;
    await cluster.restart(0);
    await until("calls go on", () => acknowledged.length > atKill + 200);
    await cluster.kill(1);
    await cluster.restart(1);
    stop.abort();
    await Promise.all(load);
    const reader = await connect(cluster.addresses[2] ?? "");
    try {
      await until(
        "all have ended",
        async () => {
          const [calls, ends] = await Promise.all([
            recordsOf({ event: "call" }, reader),
            recordsOf({ event: "end" }, reader),
          ]);
          const called = new Set(calls.map(({ callId }) => callId));
          const ended = new Set(ends.map(({ callId }) => callId));
          expect(acknowledged.filter((id) => !called.has(id))).toEqual([]);
          return acknowledged.every((id) => ended.has(id));
        },
        PATIENT,
      );
      const ends = await recordsOf({ event: "end" }, reader);
      expect(new Set(ends.map(({ callId }) => callId)).size, "one end for each").toBe(ends.length);
      const lastMs = ends.at(-1)?.at.getTime() ?? 0;
      await until(
        "it is sealed",
        // The time of an entry is what its id begins with.
        async () => Number((await reader.audit.verify()).sealedUntil.split("-")[0]) >= lastMs,
        PATIENT,
      );
      expect(await reader.audit.verify()).toMatchObject({ faults: [] });
      await expectKeysToExpire(redis.client());
    } finally {
      await reader.close();
    }
  });
});
