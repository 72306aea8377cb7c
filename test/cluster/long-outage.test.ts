import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, type Provider, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";

expectNoLeaks();

/** Claims, leases and health that all end while Redis is away. */
const LEASES = { claimLeaseOnceMs: 900, claimLeaseIdempotentMs: 600, leaseMs: 1_000, missedPings: 1 };
const AWAY_MS = 2_000;
const CALLS = 10;

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
let provider: Provider;
let starts: string[];
/** Lets the calls that run come to their ends. */
let finish: () => void;
let finished: Promise<void>;
beforeAll(async () => {
  redis = await privateRedis({ appendOnly: true });
  cluster = await startCluster({ redis, nodes: 3, config: { ...FAST, ...LEASES } });
  agent = await connect(cluster.nodes);
  const tool = {
    payload: Type.Object({ name: Type.String() }),
    run: async ({ name }: { name: string }) => {
      starts.push(name);
      await finished;
      return name;
    },
  };
  provider = await serveToolset(
    { name: "orders", version: "1.0.0", tools: { charge: tool, lookup: { ...tool, idempotent: true } } },
    { nodes: cluster.nodes, maxInFlight: 100 },
  );
});
afterAll(async () => {
  await agent?.close();
  await provider?.stop();
  await cluster?.stop();
  await redis?.stop();
});

const outages = {
  "stands still": async () => {
    await redis.freeze();
    return () => redis.thaw();
  },
  "is gone, and comes back with its file": async () => {
    await redis.kill();
    return () => redis.restart();
  },
};

test.each(Object.entries(outages))(
  "Redis %s for longer than claims and leases last: nothing in hand is lost or runs again",
  async (_, begin) => {
    const { epoch } = await agent.get("orders");
    starts = [];
    finished = new Promise((resolve) => {
      finish = resolve;
    });
    const names = Array.from({ length: CALLS }, (_, n) => `${n}`);
    const all = names.flatMap((name) => [
      { tool: "charge", name: `once ${name}` },
      { tool: "lookup", name: `idempotent ${name}` },
    ]);
    const handles = await Promise.all(
      all.map(({ tool, name }) => agent.call("orders", tool, { name }, { timeoutMs: 60_000 })),
    );
    await until("all run", () => starts.length === all.length);

    const end = await begin();
    finish();
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    await end();

    const ends = await Promise.all(
      handles.map((handle) =>
        until("it has ended", async () => {
          const call = await agent.getCall(handle.callId);
          return call.terminal;
        }),
      ),
    );
    expect(ends.map((ending) => [ending.kind, ending.attempt])).toEqual(all.map(() => ["result", 1]));
    expect([...starts].sort()).toEqual(all.map(({ name }) => name).sort());
    // It serves on, as the same epoch: its lease was not lost.
    expect(await agent.invoke("orders", "charge", { name: "after" }, { wait: true })).toBe("after");
    expect((await agent.get("orders")).epoch).toBe(epoch);
  },
);
