import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connect, type Provider, type Toolgate } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { type Gate, gate, type Ledger, serveLab } from "./tools.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let ledger: Ledger;
let held: Gate;
let agent: Toolgate;
let provider: Provider;

beforeAll(async () => {
  redis = await privateRedis({ appendOnly: true });
  cluster = await startCluster({ redis, config: { ...FAST, httpListen: "127.0.0.1:0" } });
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

/** The node that serves the provider, or the agent. */
const indexOf = (address: string): number => cluster.addresses.indexOf(address);

describe("a node that is stopped gracefully", () => {
  test("tells its sessions to move; what runs goes on, and it exits with 0", async () => {
    const outcomes = Array.from({ length: 20 }, () => agent.invoke("lab", "hold", {}));
    await until("all run", () => ledger.runs.length === 20);
    for (let index = 0; index < 3; index++) {
      const restarted = cluster.restart(index); // fails unless the node ends with 0 within its grace
      await restarted;
    }
    held.open();
    expect(await Promise.all(outcomes)).toEqual(Array(20).fill("let go"));
    expect(ledger.runs).toHaveLength(20);
  });

  test("fails no call of a client with retries, one node after the other", async () => {
    let failed: unknown;
    let calls = 0;
    let rolling = true;
    const load = Array.from({ length: 6 }, async () => {
      while (rolling) {
        await agent.invoke("lab", "sum", { a: 1, b: 1 }).catch((error: unknown) => {
          failed ??= error;
        });
        calls++;
      }
    });
    for (let index = 0; index < 3; index++) await cluster.restart(index);
    rolling = false;
    await Promise.all(load);
    expect(failed).toBeUndefined();
    expect(calls).toBeGreaterThan(50);
  });
});

describe("a node that is killed", () => {
  test("loses no call: the provider attaches elsewhere, the agent asks elsewhere, and nothing runs twice", async () => {
    const outcomes = Array.from({ length: 30 }, () => agent.invoke("lab", "hold", {}));
    await until("all run", () => ledger.runs.length === 30);
    const victims = new Set([indexOf(agent.node), ...cluster.addresses.keys()]);
    const victim = [...victims][0] ?? 0;
    await cluster.kill(victim, "SIGKILL");
    held.open();
    expect(await Promise.all(outcomes)).toEqual(Array(30).fill("let go"));
    expect(ledger.runs).toHaveLength(30);
    await cluster.restart(victim);
  });
});

describe("a node that is killed after it has answered 202 by HTTP", () => {
  test("loses no call: another node has it, its events and its result", async () => {
    const accepted = await fetch(`http://${cluster.httpAddress(0)}/v1/toolsets/lab/tools/hold:call`, {
      method: "POST",
      body: "{}",
      headers: { "content-type": "application/json", prefer: "respond-async" },
    });
    expect(accepted.status).toBe(202);
    const location = accepted.headers.get("location") ?? "";
    await until("it runs", () => ledger.runs.length === 1);
    await cluster.kill(0, "SIGKILL");
    const find = async (index: number) => await fetch(`http://${cluster.httpAddress(index)}${location}`);
    expect(await (await find(1)).json()).toMatchObject({ state: "claimed", tool: "hold" });
    held.open();
    const events = await (await fetch(`http://${cluster.httpAddress(2)}${location}/events`)).text();
    expect(events).toMatch(/^event: terminal\ndata: .*"kind":"result".*"result":"let go"/m);
    for (const index of [1, 2])
      expect(await (await find(index)).json()).toMatchObject({
        state: "ended",
        terminal: { kind: "result", executed: "yes", result: "let go" },
      });
    expect(ledger.runs).toHaveLength(1);
    await cluster.restart(0);
  });
});

describe("health", () => {
  const lastPongMs = async (): Promise<number> => (await agent.get("lab")).epochs[0]?.health.lastPong?.getTime() ?? 0;

  test("a provider that stops answering pings is unhealthy, on every node, and healthy again when it answers", async () => {
    // All of this process stops answering: its event loop is the provider's. So the toolset is watched from a node's side.
    const first = await lastPongMs();
    await until("another pong has come, so the elected node pings", async () => (await lastPongMs()) > first);
    await provider.stop();
    await until("it is unhealthy everywhere", async () => !(await agent.get("lab")).healthy);
  });

  test("pings go on when the node that sends them is killed", async () => {
    const leader = await until("one node leads", () => {
      const index = cluster.addresses.findIndex((_, i) =>
        cluster
          .output(i)
          .findLast((line) => line.includes("leader_"))
          ?.includes("leader_elected"),
      );
      return index >= 0 && { index };
    });
    await cluster.kill(leader.index, "SIGKILL");
    const before = await lastPongMs();
    await until("pongs come again", async () => (await lastPongMs()) > before + 1_000, { withinMs: 20_000 });
    await cluster.restart(leader.index);
  });
});
