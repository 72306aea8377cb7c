import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { connect, type Provider, type Toolgate } from "../../src/index.js";
import type { ApplyDocumentsResponse__Output } from "../../src/protocol/generated/toolgate/v1/ApplyDocumentsResponse.js";
import { TcpProxy } from "../../tools/chaos/tcp-proxy.js";
import { ask } from "../front/grpc/ask.js";
import { healthClient } from "../front/grpc/health-client.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectKeysToExpire, expectNoLeaks } from "../support/leaks.js";
import { type ReplicatedRedis, replicatedRedis } from "../support/replicated-redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";
import { wireTo } from "./wire.js";

expectNoLeaks();

const SETTINGS = {
  ...FAST,
  durability: "replicated",
  replicaTimeoutMs: 300,
  claimLeaseOnceMs: 20_000,
  leaseMs: 20_000,
};

let redis: ReplicatedRedis;
let proxy: TcpProxy;
let cluster: Cluster;
let agents: Toolgate[];
let ledger: Ledger;
let held: Gate;
let provider: Provider;

beforeAll(async () => {
  redis = await replicatedRedis();
  // What the nodes take for Redis: after a failover another one answers there.
  proxy = new TcpProxy(() => Number(new URL(redis.master.url).port));
  await proxy.start();
  cluster = await startCluster({ redis: { url: `redis://${proxy.address}` }, nodes: 2, config: SETTINGS });
  agents = await Promise.all(cluster.addresses.map((address) => connect(address)));
});
beforeEach(async () => {
  ledger = { runs: [] };
  held = gate();
  provider = await serveLab(ledger, { nodes: cluster.addresses[0] ?? "" }, held);
  await healthy();
});
afterEach(async () => {
  await redis.replica.thaw();
  held.open();
  await provider.stop();
});
afterAll(async () => {
  for (const agent of agents ?? []) await agent.close();
  await cluster?.stop();
  await proxy?.stop();
  await redis?.stop();
});

const agent = (index: number): Toolgate => agents[index] as Toolgate; // two were made
const healthy = () =>
  until("every node can call the toolset", async () =>
    (await Promise.all(agents.map((one) => one.get("lab")))).every((lab) => lab.healthy),
  );
const record = async (callId: string): Promise<string> => {
  const client = redis.replica.client();
  try {
    const [key] = await client.keys(`*call:${callId}`);
    return key === undefined ? "" : `${key} ${await client.type(key)}`;
  } finally {
    client.disconnect();
  }
};
const serving = async (index: number): Promise<boolean> => {
  using client = healthClient(cluster.addresses[index] ?? "");
  return (await client.check("")) === "SERVING";
};

test("what was acknowledged is on the replica", async () => {
  for (let i = 0; i < 20; i += 1) {
    const { callId } = await agent(i % 2).call("lab", "sum", { a: i, b: i });
    expect(await record(callId)).toContain(callId);
  }
  expect(await agent(1).invoke("lab", "sum", { a: 1, b: 2 })).toBe(3);
  const counted: unknown[] = [];
  await agent(1).invoke("lab", "count", { to: 5 }, { onDelta: (delta) => counted.push(delta) });
  expect(counted).toEqual([1, 2, 3, 4, 5].map((i) => ({ i })));
});

test("while the replica stands still nothing is acknowledged or run, and then all goes on", async () => {
  const running = agent(0).invoke("lab", "hold", {}, { timeoutMs: 30_000 });
  await until("it runs", () => ledger.runs.length === 1);
  await redis.replica.freeze();
  await until("the nodes say that they are not ready", async () => !(await serving(0)) && !(await serving(1)));

  const ids = { runId: "stalled", toolCallId: "1" };
  await expect(agent(1).call("lab", "sum", { a: 1, b: 2 }, { ...ids, timeoutMs: 30_000 })).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    executed: "unknown",
  });
  let ended = false;
  void running.then(() => {
    ended = true;
  });
  held.open();
  // The provider answers, the record says so on the master, and no caller hears of it.
  await until("the master has the end", async () => {
    const client = redis.master.client();
    const [requests] = await client.keys("*requests:lab:*");
    const left = requests === undefined ? 0 : await client.xlen(requests);
    client.disconnect();
    return left === 1; // the call that could not be acknowledged
  });
  expect({ ended, runs: ledger.runs.map(({ tool }) => tool) }).toEqual({ ended: false, runs: ["hold"] });

  await redis.replica.thaw();
  expect(await running).toBe("let go");
  expect(await agent(1).invoke("lab", "sum", { a: 1, b: 2 }, ids)).toBe(3);
  expect(ledger.runs.map(({ tool }) => tool)).toEqual(["hold", "sum"]);
  await until("the nodes are ready again", async () => (await serving(0)) && (await serving(1)));
  const said = () => cluster.output(0).flatMap((line) => /"event":"(replicas_\w+)"/.exec(line)?.[1] ?? []);
  // What a node answers may be here before what it has printed.
  await until("it has said so", () => said().length === 3);
  expect(said()).toEqual(["replicas_confirm", "replicas_behind", "replicas_confirm"]);
});

test("a change of documents is acknowledged when the replica has it, and not before", async () => {
  const wire = wireTo(cluster.addresses[0] ?? "");
  const apply = (description: string) => {
    const bodyJson = Buffer.from(JSON.stringify({ description, rules: [] }));
    const request = { changes: [{ ref: { kind: "role", name: "kept" }, bodyJson }] };
    return ask<ApplyDocumentsResponse__Output>((cb) => wire.documents.applyDocuments(request, cb));
  };
  try {
    expect(await apply("one")).toMatchObject({ outcomes: [{ outcome: "created" }] });
    const client = redis.replica.client();
    expect(await client.hget("toolgate:{default/0}:documents", "default/role/kept")).toContain('"one"');
    client.disconnect();
    await redis.replica.freeze();
    await expect(apply("two")).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "unknown" });
    await redis.replica.thaw();
    // It was made, and is confirmed by saying the same again.
    const again = await until("the replica confirms", () => apply("two").catch(() => undefined));
    expect(again).toMatchObject({ outcomes: [{ outcome: "unchanged" }] });
  } finally {
    wire.close();
  }
});

test("a failover loses no acknowledged call, and runs none twice", async () => {
  const stopped = new AbortController();
  const acknowledged: string[] = [];
  const load = [0, 1].map(async (lane) => {
    for (let i = 0; !stopped.signal.aborted; i += 1) {
      const ids = { runId: `failover-${lane}`, toolCallId: String(i) };
      const made = await agent(lane)
        .call("lab", "sum", { a: lane, b: i }, { ...ids, wait: true, timeoutMs: 30_000 })
        .catch(() => undefined); // its caller never heard of it
      if (made !== undefined) acknowledged.push(made.callId);
    }
  });
  await until("calls are being made", () => acknowledged.length > 100);
  redis.cut();
  await until("the replica is missed", async () => !(await serving(0)) && !(await serving(1)));
  await redis.failOver();
  stopped.abort();
  await Promise.all(load);
  proxy.set("refuse"); // connections to the old master
  proxy.set("pass"); // lead to the new one now
  // The new master confirms nothing before it has a replica itself.
  expect(await serving(0)).toBe(false);
  await redis.rejoin();
  await until("the nodes are ready again", async () => (await serving(0)) && (await serving(1)));
  await healthy();
  for (const callId of acknowledged) {
    const { terminal } = await until("it has ended", async () => {
      const status = await agent(0).getCall(callId);
      return status.state === "ended" && status;
    });
    expect(terminal).toMatchObject({ kind: "result" });
  }
  const runs = ledger.runs.map(({ context }) => context.callId);
  expect(new Set(runs).size).toBe(runs.length);
  await expectKeysToExpire(redis.replica.client());
});

test("a node does not start on a Redis that cannot keep the promise", async () => {
  const client = redis.master.client();
  await client.config("SET", "maxmemory-policy", "allkeys-lru");
  await expect(cluster.add()).rejects.toThrow(/maxmemory-policy is allkeys-lru/);
  await client.config("SET", "maxmemory-policy", "noeviction");
  await expect(cluster.add({ replicas: 3 })).rejects.toThrow(/TOOLGATE_REPLICAS/);
});
