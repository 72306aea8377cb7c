import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.js";
import { connect, defineTool, type Provider, serveToolset, type Toolgate, Type } from "../../../src/index.js";
import { createNode, type GatewayNode } from "../../../src/node.js";
import { FAST } from "../../cluster/fast.js";
import { gate, lab, type Ledger } from "../../cluster/tools.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { postBody, postLegacy, postModern } from "../../support/mcp.js";
import { privateRedis, type TestRedis } from "../../support/redis.js";
import { until } from "../../support/until.js";

expectNoLeaks();

let redis: TestRedis;
let node: GatewayNode;
let client: Toolgate;
let providers: Provider[] = [];
let url = "";
const held = gate();
const ledger = { runs: [] as Ledger["runs"][number][] };

const shapes = {
  name: "shapes",
  version: "1.0.0",
  description: "Payloads and results of all forms.",
  tools: {
    "with.dots": defineTool({
      description: "A name that many clients refuse.",
      payload: Type.Object({}),
      run: () => "dots",
    }),
    list: defineTool({
      description: "Takes a list.",
      payload: Type.Array(Type.Integer()),
      result: Type.Object({ sum: Type.Integer() }),
      run: (items) => ({ sum: items.reduce((sum, item) => sum + item, 0) }),
    }),
  },
} as const;

beforeAll(async () => {
  redis = await privateRedis();
  const flags = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" };
  node = createNode(parseConfig({ env: {}, flags: { ...FAST, ...flags, missedPings: 50, drainGraceMs: 500 } }));
  const { address, httpAddress } = await node.start();
  url = `http://${httpAddress}/mcp`;
  client = await connect(address);
  providers = [
    await serveToolset(lab(ledger, held), { nodes: address }),
    await serveToolset(shapes, { nodes: address }),
  ];
  for (const name of ["lab", "shapes"])
    await until("the toolset can be called", async () => (await client.get(name)).healthy);
});
afterAll(async () => {
  held.open();
  await Promise.all(providers.map((provider) => provider.stop()));
  await client?.close();
  await node?.stop();
  await redis?.stop();
});

const modern = (method: string, params: Record<string, unknown> = {}, more = {}) =>
  postModern(url, { method, params, ...more });

test("says what it serves", async () => {
  const { status, end } = await modern("server/discover");
  expect(status).toBe(200);
  expect(end).toMatchObject({
    jsonrpc: "2.0",
    id: 1,
    result: {
      resultType: "complete",
      supportedVersions: ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
      capabilities: { tools: { listChanged: true } },
      cacheScope: "public",
    },
  });
});

test("lists all tools, and calls one", async () => {
  const { end } = await modern("tools/list");
  const names = (end.result?.tools as { name: string }[]).map(({ name }) => name);
  expect(names).toEqual([
    "lab__count",
    "lab__fail",
    "lab__hold",
    "lab__liar",
    "lab__stubborn",
    "lab__sum",
    "shapes__list",
    expect.stringMatching(/^shapes__with_dots-[a-z2-7]{12}$/),
  ]);
  const sum = await modern("tools/call", { name: "lab__sum", arguments: { a: 1, b: 2 } });
  expect(sum.end).toEqual({
    jsonrpc: "2.0",
    id: 1,
    result: { resultType: "complete", content: [{ type: "text", text: "3" }], structuredContent: 3 },
  });
  expect(sum.headers.get("toolgate-call-id")).toMatch(/./);
  const dots = await modern("tools/call", { name: names.at(-1) });
  expect(dots.end.result).toMatchObject({ content: [{ type: "text", text: "dots" }] });
  const list = await modern("tools/call", { name: "shapes__list", arguments: { payload: [1, 2, 3] } });
  expect(list.end.result).toMatchObject({ structuredContent: { sum: 6 } });
  const bad = await modern("tools/call", { name: "shapes__list", arguments: { payload: ["x"] } });
  expect(bad.end.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("/payload/0") }] });
});
