import { expect, test } from "vitest";
import { connect, defineTool, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { startClosedCluster } from "../support/closed-cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";

/** What was opened before there was a second tenant shows nothing of it when there is one. */

expectNoLeaks();

const toolset = (name: string) => {
  const tool = defineTool({ description: "Says it.", payload: Type.Object({}), run: async () => name });
  return { name, version: "1.0.0", description: "A toolset.", tools: { tool } };
};

test("a watch that was there before the first other tenant hears nothing of its toolsets", async () => {
  const redis = await privateRedis();
  const cluster = await startClosedCluster({ redis, config: FAST });
  const admin = await connect(cluster.nodes, { key: cluster.adminKey });
  const leaving = new AbortController();
  const open: Toolgate[] = [admin];
  const keyOf = async (tenant: string, ...roles: string[]) =>
    (await admin.access.createKey({ tenant, principal: roles.join("-"), roles })).key;
  const serve = async (tenant: string, name: string) =>
    await serveToolset(toolset(name), { nodes: cluster.nodes, key: await keyOf(tenant, "provider") });
  try {
    const agent = await connect(cluster.nodes, { key: await keyOf("default", "agent") });
    open.push(agent);
    const heard: unknown[] = [];
    const watching = (async () => {
      for await (const event of agent.watch({ signal: leaving.signal })) heard.push(event);
    })().catch(() => {});
    await until("the watch is open", () => heard.length > 0);
    await admin.documents.apply([{ kind: "tenant", name: "acme", body: {} }]);
    const theirs = await serve("acme", "secretplans");
    const ours = await serve("default", "ours");
    await until("the watch has heard of what came last", () => JSON.stringify(heard).includes('"ours"'));
    expect(JSON.stringify(heard)).not.toContain("secretplans");
    await Promise.all([theirs, ours].map((provider) => provider.stop()));
    expect(JSON.stringify(heard)).not.toContain("secretplans");
    leaving.abort();
    await watching;
  } finally {
    leaving.abort();
    await Promise.all(open.map((client) => client.close()));
    await cluster.stop();
    await redis.stop();
  }
});
