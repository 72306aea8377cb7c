import { afterAll, beforeAll, expect, test } from "vitest";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { gate } from "./tools.js";

expectNoLeaks();

let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
beforeAll(async () => {
  redis = await privateRedis({ args: ["--maxmemory", "96mb", "--maxmemory-policy", "noeviction"] });
  cluster = await startCluster({ redis, nodes: 2, config: { ...FAST, resultTtlMs: 2_000 } });
  agent = await connect(cluster.nodes);
});
afterAll(async () => {
  await agent?.close();
  await cluster?.stop();
  await redis?.stop();
});

test("when Redis is full, calls are refused and did not run; all that were admitted get their results; then there is room", async () => {
  const held = gate();
  let runs = 0;
  const provider = await serveToolset(
    {
      name: "heavy",
      version: "1.0.0",
      tools: {
        wait: {
          payload: Type.Object({ text: Type.String() }),
          run: async () => {
            runs++;
            await held.passed;
            return "x".repeat(1_000);
          },
        },
      },
    },
    { nodes: cluster.nodes, maxInFlight: 10 },
  );
  await until("it can be called", async () => (await agent.get("heavy")).healthy);
  const text = "x".repeat(250_000);
  const ids = { runId: "run", toolCallId: "call" };
  const handles = [(await agent.call("heavy", "wait", { text }, ids)).callId];
  const refused = await until(
    "a call is refused",
    async () => {
      try {
        handles.push((await agent.call("heavy", "wait", { text })).callId);
        return undefined;
      } catch (error) {
        return error;
      }
    },
    { everyMs: 5, withinMs: 20_000 },
  );
  expect(refused).toMatchObject({ reason: "STORE_FULL", executed: "no" });
  expect(handles.length).toBeGreaterThan(20);
  expect(await agent.call("heavy", "wait", { text }, ids), "a repeat needs no room").toMatchObject({
    callId: handles[0],
    repeated: true,
  });
  held.open();
  for (const id of handles) {
    for await (const event of agent.follow(id)) {
      if (event.kind === "terminal") expect(event.terminal).toMatchObject({ kind: "result" });
    }
  }
  expect(runs).toBe(handles.length);
  await until(
    "there is room again",
    async () => (await agent.invoke("heavy", "wait", { text }).catch(() => "")) !== "",
  );
  await provider.stop();
});
