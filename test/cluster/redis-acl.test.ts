import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { connect, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { createNode } from "../../src/node.js";
import { neededCommands } from "../../src/redis/access.js";
import { healthClient } from "../front/grpc/health-client.js";
import { type Cluster, startCluster } from "../support/cluster.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { privateCluster } from "../support/redis-groups.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { gate, type Ledger, lab } from "./tools.js";

expectNoLeaks();

/** What docs/redis-acl.md says. */
const LEAST = [
  ...["reset", "on", ">secret", "~toolgate:{default/*", "&toolgate:{default/*"],
  ...neededCommands({ cluster: false, replicated: false }).map((command) => `+${command}`),
];

let redis: TestRedis;
let url: string;
let cluster: Cluster;
let agent: Toolgate;
const allow = async (...rules: string[]): Promise<void> => {
  const admin = redis.client();
  await admin.acl("SETUSER", "node", ...LEAST, ...rules);
  admin.disconnect();
};
const denialsOf = (node: number): string[] =>
  cluster.output(node).filter((line) => line.includes('"redis_access_denied"'));
beforeAll(async () => {
  redis = await privateRedis();
  url = redis.url.replace("redis://", "redis://node:secret@");
  await allow();
  cluster = await startCluster({ redis: { url }, nodes: 2, config: { ...FAST, maxAttempts: 1 } });
  agent = await connect(cluster.nodes);
});
beforeEach(() => allow());
afterAll(async () => {
  await agent?.close();
  await cluster?.stop();
  await redis?.stop();
});

test("with the least ACL a cluster does all that it does, and Redis denies it nothing but what it can do without", async () => {
  const ledger: Ledger = { runs: [] };
  const held = gate();
  const provider = await serveToolset(lab(ledger, held), { nodes: cluster.nodes });
  const watching = new AbortController();
  const changes: string[] = [];
  const watch = (async () => {
    for await (const event of agent.watch({ signal: watching.signal })) {
      if (event.kind === "changes") changes.push(...event.changes.map(({ kind }) => kind));
    }
  })().catch(() => {});
  await until("it can be called", async () => (await agent.get("lab")).healthy);
  expect(await agent.invoke("lab", "sum", { a: 1, b: 2 })).toBe(3);
  const deltas: unknown[] = [];
  await agent.invoke("lab", "count", { to: 3 }, { onDelta: (delta: unknown) => void deltas.push(delta) });
  expect(deltas).toHaveLength(3);
  const { callId } = await agent.call("lab", "hold", {});
  await until("it runs", () => ledger.runs.some(({ tool }) => tool === "hold"));
  await agent.cancel(callId);
  await until("it has ended", async () => (await agent.getCall(callId)).terminal?.kind === "cancelled");

  let runs = 0;
  const tool = {
    payload: Type.Object({}),
    idempotent: true,
    run: () => {
      runs++;
      return new Promise<never>(() => {});
    },
  };
  const frail = await serveToolset(
    { name: "frail", version: "1.0.0", tools: { hang: tool } },
    { nodes: cluster.nodes },
  );
  const lost = await agent.call("frail", "hang", {}, { wait: true });
  await until("it runs", () => runs > 0);
  await frail.stop({ graceMs: 0 });
  await until(
    "it was given up",
    async () => (await agent.getCall(lost.callId)).terminal?.kind === "attempts_exhausted",
  );
  for await (const dead of agent.deadCalls("frail")) expect(dead.callId).toBe(lost.callId);
  await agent.unregister("frail", (await agent.get("frail")).epoch);
  await until("the watch told of it", () => changes.includes("unregistered"));
  watching.abort();
  await watch;
  held.open();
  await provider.stop();

  const admin = redis.client();
  const log = (await admin.acl("LOG")) as unknown[];
  const denied = new Set(
    log.map((entry) => {
      const facts = Array.isArray(entry) ? entry : Object.entries(entry as object).flat(); // RESP2 or 3
      return String(facts[facts.indexOf("object") + 1]).toLowerCase();
    }),
  );
  admin.disconnect();
  for (const command of denied) expect(["info", "config|get", "client|setname", "client|setinfo"]).toContain(command);
});

const CONFIG = () =>
  parseConfig({ env: {}, flags: { listen: "127.0.0.1:0", opsListen: "off", redisUrl: url, logLevel: "silent" } });

test.each([
  [
    "channels",
    ["resetchannels"],
    /the channels toolgate:\{default\/0\}:\* \(SPUBLISH, SSUBSCRIBE.*&toolgate:\{default\/0\}:\*/,
  ],
  ["other channels", ["resetchannels", "&other:*"], /the channels/],
  ["one channel alone", ["resetchannels", "&toolgate:{default/0}:pings"], /the channels/],
  ["keys", ["resetkeys", "~other:*"], /the keys toolgate:.*~toolgate:/],
  ["keys to write", ["resetkeys", "%R~toolgate:*"], /the keys toolgate:/],
  ["SPUBLISH", ["-spublish"], /the command SPUBLISH: .*\+spublish/],
  ["SSUBSCRIBE", ["-ssubscribe"], /the command SSUBSCRIBE: .*\+ssubscribe/],
  ["XADD and TIME", ["-xadd", "-time"], /the commands XADD, TIME: .*\+xadd \+time/],
  ["XGROUP CREATE", ["-xgroup|create"], /the command XGROUP CREATE: .*\+xgroup\|create/],
  ["EVALSHA", ["-evalsha"], /the command EVALSHA: .*\+evalsha/],
  ["EVAL", ["-eval"], /the command EVAL: .*\+eval/],
])("a node whose user lacks %s does not start, and says which rule to add", async (_, rules, message) => {
  const admin = redis.client();
  await admin.script("FLUSH"); // as on a new Redis
  admin.disconnect();
  await allow(...rules);
  const node = createNode(CONFIG());
  await expect(node.start()).rejects.toMatchObject({
    reason: "STORE_UNAVAILABLE",
    message: expect.stringMatching(message),
  });
  await node.stop();
});

test("on a Redis Cluster a node starts and calls with the least ACL of every member, and names the member's that lacks something", async () => {
  const group = await privateCluster();
  const user = async (...rules: string[]): Promise<void> => {
    const least = neededCommands({ cluster: true, replicated: false }).map((command) => `+${command}`);
    const all = ["reset", "on", ">secret", "~toolgate:{default/*", "&toolgate:{default/*", ...least];
    for (const [index, member] of group.members.entries()) {
      await member.query((client) => client.acl("SETUSER", "node", ...all, ...(index === 0 ? rules : [])));
    }
  };
  const flags = { ...FAST, listen: "127.0.0.1:0", opsListen: "127.0.0.1:0", logLevel: "silent" };
  const redisUrl = group.url.replace("redis+cluster://", "redis+cluster://node:secret@");
  const nodeOf = () => createNode(parseConfig({ env: {}, flags: { ...flags, redisUrl } }));
  try {
    await user("resetchannels");
    const refused = nodeOf();
    await expect(refused.start()).rejects.toMatchObject({
      message: expect.stringContaining("the channels toolgate:{default/"),
    });
    await refused.stop();
    await user();
    const node = nodeOf();
    const { address } = await node.start();
    const provider = await serveToolset(lab({ runs: [] }), { nodes: address });
    const client = await connect(address);
    expect(await client.invoke("lab", "sum", { a: 1, b: 2 }, { wait: true })).toBe(3);
    await client.close();
    await provider.stop();
    await node.stop();
  } finally {
    await group.stop();
  }
});

test("a node that may not publish any more is not ready, says so once, and registers whole or not at all; then it is again", async () => {
  using health = healthClient(cluster.addresses[0] ?? "");
  const provider = await serveToolset(lab({ runs: [] }), { nodes: cluster.nodes });
  await until("it can be called", async () => (await agent.get("lab")).healthy);
  // The tests before take rights from the same user, which this node may have noticed.
  await until("it is ready", async () => (await health.check("")) === "SERVING", { withinMs: 15_000 });
  const earlier = denialsOf(0).length;
  await allow("resetchannels");
  await until("it is not ready", async () => (await health.check("")) === "NOT_SERVING", { withinMs: 15_000 });
  // Served when it can be called, which takes a ping; registered at once, and whole.
  const other = serveToolset(
    { name: "other", version: "1.0.0", tools: { x: { payload: Type.Object({}), run: () => 1 } } },
    { nodes: cluster.nodes },
  );
  const registered = await until("it is registered", () => agent.get("other").catch(() => undefined));
  expect(registered.epochs).toMatchObject([{ state: "active" }]);
  await allow();
  await until("it is ready", async () => (await health.check("")) === "SERVING", { withinMs: 15_000 });
  const denials = denialsOf(0).slice(earlier);
  expect(denials, denials.join("\n")).toHaveLength(1);
  expect(cluster.output(0).join("\n")).not.toContain("INTERNAL");
  await until(
    "calls are answered",
    async () => (await agent.invoke("lab", "sum", { a: 1, b: 2 }).catch(() => 0)) === 3,
  );
  await (await other).stop();
  await provider.stop();
});
