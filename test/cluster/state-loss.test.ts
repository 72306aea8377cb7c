import type { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseRegistryName, parseToolsetName } from "../../src/identity/names.js";
import { connect, type Provider, ToolCallError, type Toolgate, ToolgateError } from "../../src/index.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { expectWithin, redisNowMs, spanOf } from "../support/redis-span.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";

expectNoLeaks();

const LAB = parseToolsetName("lab", "name");
const keys = createKeyspace(parseRegistryName("default", "registry"), 1).forToolset(LAB);
/** The longest that a call of these tests may take. */
const TIMEOUT_MS = 3_000;
/** How long after a call's deadline a node must look at it at the latest, in milliseconds. */
const SETTLED_WITHIN_MS = 1_000;

let redis: TestRedis;
let client: Redis;
let cluster: Cluster;
let ledger: Ledger;
let held: Gate;
let agent: Toolgate;
let provider: Provider;

beforeAll(async () => {
  redis = await privateRedis();
  client = redis.client();
  cluster = await startCluster({ redis, config: FAST });
});
beforeEach(async () => {
  ledger = { runs: [] };
  held = gate();
  agent = await connect(cluster.nodes);
  provider = await serveLab(ledger, { nodes: cluster.nodes, maxInFlight: 200 }, held);
  await until("the toolset can be called", async () => (await agent.get("lab")).healthy);
  return async () => {
    held.open();
    await provider.stop();
    await agent.close();
  };
});
afterAll(async () => {
  await cluster?.stop();
  await redis?.stop();
});

/** How a call that has a waiter ended: its kind and reason, or "result". */
async function endOf(calling: Promise<unknown>): Promise<string> {
  try {
    await calling;
    return "result";
  } catch (error) {
    if (error instanceof ToolCallError) return `${error.kind} ${error.reason}`;
    return error instanceof ToolgateError && error.executed === "no" ? `refused ${error.reason}` : String(error);
  }
}

describe("after FLUSHALL", () => {
  test("calls in flight end as unknown, the same for who waits, who asks later and who repeats them", async () => {
    const ids = { runId: "run", toolCallId: "call" };
    const waiting = Array.from({ length: 20 }, () => endOf(agent.invoke("lab", "hold", {})));
    const left = await agent.call("lab", "hold", {}, ids);
    await until("all run", () => ledger.runs.length === 21);
    await client.flushall();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(["outcome_unknown STATE_LOST"]));
    const ends = await until("every node tells how the call ended that nobody waited for", async () => {
      const asked = cluster.addresses.map(async (address) => {
        const one = await connect(address);
        try {
          return (await one.getCall(left.callId)).terminal;
        } finally {
          await one.close();
        }
      });
      const told = await Promise.all(asked);
      return told.every((end) => end !== undefined) && told;
    });
    expect(ends[0]).toMatchObject({ kind: "outcome_unknown", reason: "STATE_LOST", executed: "unknown", attempt: 1 });
    for (const end of ends) expect(end).toEqual(ends[0]);
    await until("the toolset can be called", async () => (await agent.get("lab")).healthy);
    expect(await endOf(agent.invoke("lab", "hold", {}, ids))).toBe("outcome_unknown STATE_LOST");
    expect(await agent.invoke("lab", "sum", { a: 1, b: 2 })).toBe(3);
    expect(ledger.runs).toHaveLength(22);
  });
});

const FAULTS: readonly [string, (epoch: number) => Promise<unknown>][] = [
  ["XGROUP DESTROY", (epoch) => client.xgroup("DESTROY", requests(epoch), "providers")],
  ["SCRIPT FLUSH", () => client.script("FLUSH")],
  ["a deleted requests stream", (epoch) => client.del(requests(epoch))],
  ["deleted deadlines", () => client.del(keys.due)],
  ["deleted health", () => client.del(keys.health)],
  ["deleted toolsets", () => client.del(keys.toolsets)],
  ["deleted leases", (epoch) => client.del(`${keys.prefix}leases:lab:${epoch}`)],
  ["deleted providers", (epoch) => client.del(`${keys.prefix}providers:lab:${epoch}`)],
  ["deleted epochs", () => client.del(keys.epochs)],
  ["a deleted stream of changes", () => client.del(keys.changes)],
];
const requests = (epoch: number): string => `${keys.prefix}requests:lab:${epoch}`;

describe.each(FAULTS)("after %s under load", (_, damage) => {
  test("all calls end in time, and all is well again without a restart", async () => {
    const pids = cluster.addresses.map((_address, index) => cluster.pid(index));
    let over = false;
    const ends = new Map<string, number>();
    const note = (end: string) => ends.set(end, (ends.get(end) ?? 0) + 1);
    const load = Array.from({ length: 4 }, async () => {
      while (!over) {
        note(await endOf(agent.invoke("lab", "sum", { a: 1, b: 2 }, { timeoutMs: TIMEOUT_MS, wait: true })));
      }
    });
    const parked = Array.from({ length: 10 }, () => endOf(agent.invoke("lab", "hold", {}, { timeoutMs: TIMEOUT_MS })));
    const leaving = await spanOf(client, () => agent.call("lab", "stubborn", {}, { timeoutMs: TIMEOUT_MS }));
    const left = leaving.value;
    expectWithin(left.deadline.getTime(), leaving, TIMEOUT_MS);
    await until(
      "load is on",
      () => (ends.get("result") ?? 0) > 20 && ledger.runs.filter(({ tool }) => tool === "hold").length === 10,
    );
    await damage((await agent.get("lab")).epoch);
    await until("the toolset is healthy again", async () => (await agent.get("lab")).healthy, { withinMs: 20_000 });
    const before = ends.get("result") ?? 0;
    await until("calls go on", () => (ends.get("result") ?? 0) > before + 100, { withinMs: 60_000 });
    for (const end of await Promise.all(parked)) {
      expect([
        "result",
        "cancelled DEADLINE_EXCEEDED",
        "outcome_unknown DEADLINE_EXCEEDED",
        "outcome_unknown PROVIDER_LOST",
        "outcome_unknown STATE_LOST",
      ]).toContain(end);
    }
    let latestMs = Number.NEGATIVE_INFINITY;
    await until("the call that nobody waits for has ended", async () => {
      const dueMs = await client.zscore(keys.due, left.callId);
      const orLater = Math.max(left.deadline.getTime(), await redisNowMs(client));
      if (dueMs !== null) latestMs = Math.max(latestMs, Number(dueMs) - orLater);
      return (await agent.getCall(left.callId)).terminal !== undefined;
    });
    expect(latestMs, "after its deadline, or the time at which that was written").toBeLessThanOrEqual(
      SETTLED_WITHIN_MS,
    );
    over = true;
    await Promise.all(load);
    for (const end of ends.keys()) {
      expect([
        "result",
        "refused NO_HEALTHY_PROVIDER", // while nodes know the toolset, and Redis does not

        "not_executed DEADLINE_EXCEEDED",
        "outcome_unknown PROVIDER_LOST",
        "outcome_unknown STATE_LOST",
      ]).toContain(end);
    }
    await until(
      "nothing is left behind",
      async () => (await client.zcount(keys.due, 0, Number.MAX_SAFE_INTEGER)) === 0,
    );
    expect(cluster.addresses.map((_address, index) => cluster.pid(index))).toEqual(pids);
  }, 40_000);
});
