import { afterAll, beforeAll, expect, test } from "vitest";
import { checkToolsets } from "../../cmd/doctor/check-toolsets.js";
import { parseRegistryName } from "../../src/identity/names.js";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { runToolgate } from "../cmd/run-toolgate.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";

expectNoLeaks();

const [keys] = createKeyspace(parseRegistryName("default", "registry"), 1).shards;
let redis: TestRedis;
let cluster: Cluster;
let agent: Toolgate;
beforeAll(async () => {
  redis = await privateRedis();
  cluster = await startCluster({ redis, nodes: 1, config: FAST });
  agent = await connect(cluster.nodes);
});
afterAll(async () => {
  await agent?.close();
  await cluster?.stop();
  await redis?.stop();
});

const serve = (name: string) =>
  serveToolset(
    { name, version: "1.0.0", tools: { one: { payload: Type.Object({}), run: () => 1 } } },
    { nodes: cluster.nodes },
  );
/** Puts something else into the place of a toolset's record. */
async function damage(name: string): Promise<void> {
  const client = redis.client();
  await client.hset(keys?.toolsets ?? "", name, '{"owner":"default/anonymous","name":');
  client.disconnect();
}

test("a toolset whose record is damaged is shown as that everywhere, and mended by registering it", async () => {
  const first = await serve("torn");
  await serve("whole").then((provider) => provider.stop());
  const { epoch } = await agent.get("torn");
  await first.stop();
  await damage("torn");
  await cluster.restart(0);

  expect(await agent.damaged()).toEqual([{ name: "torn", reason: "its record is not JSON" }]);
  const damaged = { reason: "TOOLSET_DAMAGED", executed: "no" };
  await expect(agent.get("torn")).rejects.toMatchObject(damaged);
  await expect(agent.invoke("torn", "one", {})).rejects.toMatchObject(damaged);
  const checks = await checkToolsets([cluster.nodes], {});
  expect(checks.find(({ name }) => name === "toolset torn")).toMatchObject({ status: "fail" });
  expect(checks.some(({ finding }) => /2 of 2 healthy|none is registered/.test(finding))).toBe(false);
  const listed = await runToolgate(["list", "--nodes", cluster.nodes]);
  expect(listed.stderr).toContain("torn cannot be called: its record is not JSON");
  expect(listed.stdout).toContain("whole");

  const again = await serve("torn");
  await until("it can be called", async () => (await agent.invoke("torn", "one", {}, { wait: true })) === 1);
  expect((await agent.get("torn")).epoch).toBeGreaterThan(epoch);
  expect(await agent.damaged()).toEqual([]);
  await again.stop();
});

test("a provider whose toolset's record is damaged under it registers anew by itself", async () => {
  const provider = await serve("held");
  const { epoch } = await agent.get("held");
  await damage("held");
  await until("it was mended", async () => (await agent.get("held")).epoch > epoch, { withinMs: 20_000 });
  expect(await agent.invoke("held", "one", {}, { wait: true })).toBe(1);
  await provider.stop();
});

test("one that nobody serves any more is removed with any epoch", async () => {
  await serve("gone").then((provider) => provider.stop());
  await damage("gone");
  await agent.unregister("gone", 1);
  await expect(agent.get("gone")).rejects.toMatchObject({ reason: "UNKNOWN_TOOLSET" });
});
