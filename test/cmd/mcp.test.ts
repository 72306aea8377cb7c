import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { Client as ModernClient } from "@modelcontextprotocol/client";
import { StdioClientTransport as ModernTransport } from "@modelcontextprotocol/client/stdio";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { environment } from "../../src/config/environment.js";
import { connect, defineTool, type Provider, serveToolset, type Toolgate, Type } from "../../src/index.js";
import { builtProgram } from "../../src/local-cluster/package-root.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { FAST } from "../cluster/fast.js";
import { gate, type Ledger, lab } from "../cluster/tools.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";
import { runToolgate } from "./run-toolgate.js";

expectNoLeaks();

let redis: TestRedis;
let node: GatewayNode;
let client: Toolgate;
const providers: Provider[] = [];
let grpc = "";
let http = "";
const held = gate();
const ledger = { runs: [] as Ledger["runs"][number][] };

const regions = {
  name: "regions",
  version: "1.0.0",
  description: "Has an argument that is repeated in a header.",
  tools: {
    get: defineTool({
      description: "Says the region.",
      payload: Type.Object({ region: Type.String({ "x-mcp-header": "Region" }) }),
      run: ({ region }) => region,
    }),
  },
} as const;

beforeAll(async () => {
  redis = await privateRedis();
  const flags = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" };
  node = createNode(parseConfig({ env: {}, flags: { ...FAST, ...flags, missedPings: 50, drainGraceMs: 500 } }));
  const { address, httpAddress = "" } = await node.start();
  [grpc, http] = [address, httpAddress];
  client = await connect(address);
  providers.push(await serveToolset(lab(ledger, held), { nodes: address }));
  providers.push(await serveToolset(regions, { nodes: address }));
  for (const name of ["lab", "regions"])
    await until("the toolset can be called", async () => (await client.get(name)).healthy);
});
afterAll(async () => {
  held.open();
  await Promise.all(providers.map((provider) => provider.stop()));
  await client?.close();
  await node?.stop();
  await redis?.stop();
});

const command = (...args: string[]) => ({
  command: process.execPath,
  args: [builtProgram("cmd/toolgate.js"), "mcp", "--http", http, ...args],
  env: { PATH: environment().PATH ?? "" },
});

test.each(["legacy", { pin: "2026-07-28" }] as const)("the official client of both generations: %j", async (mode) => {
  const options = { versionNegotiation: { mode } } as ConstructorParameters<typeof ModernClient>[1];
  const modern = new ModernClient({ name: "test", version: "0" }, options);
  await modern.connect(new ModernTransport(command()));
  const { tools } = await modern.listTools();
  expect(tools.map(({ name }) => name)).toContain("lab__sum");
  const sum = await modern.callTool({ name: "lab__sum", arguments: { a: 1, b: 2 } });
  expect(sum.content).toEqual([{ type: "text", text: "3" }]);
  const region = await modern.callTool({ name: "regions__get", arguments: { region: "eu \u00e4" } });
  expect(region.content).toEqual([{ type: "text", text: "eu \u00e4" }]);
  await modern.close();
});

test("the official client of the first generation cancels, and sees one toolset", async () => {
  const first = new Client({ name: "test", version: "0" });
  await first.connect(new StdioClientTransport(command("--toolset", "lab")));
  const { tools } = await first.listTools();
  expect(tools.map(({ name }) => name)).toContain("sum");
  const runs = ledger.runs.length;
  const leaving = new AbortController();
  const call = first.callTool({ name: "hold", arguments: {} }, undefined, { signal: leaving.signal });
  await until("the tool runs", () => ledger.runs.length > runs);
  leaving.abort();
  await expect(call).rejects.toThrow();
  await until("the tool is told to stop", () => ledger.runs[runs]?.context.signal.aborted === true);
  await first.close();
});

/** The program, spoken to line by line. */
async function speak(work: (child: ChildProcessWithoutNullStreams, next: () => Promise<unknown>) => Promise<void>) {
  const { command: program, args, env } = command();
  const child = spawn(program, args, { env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await work(child, async () => JSON.parse(String((await lines.next()).value)));
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
}

test.each([
  ["first", (text: string) => `{"jsonrpc":"2.0","id":"big","method":"ping","params":{"id":7,"text":"${text}"}}`, "big"],
  ["last", (text: string) => `{"method":"ping","params":{"text":"${text}","id":7},"jsonrpc":"2.0","id":9}`, 9],
  ["nowhere", (text: string) => `{"jsonrpc":"2.0","method":"ping","params":{"text":"${text}","id":7}}`, null],
])("a message that is too large is refused by its id, which stands %s", async (_where, message, id) => {
  await speak(async ({ stdin }, next) => {
    stdin.write(`${message("x".repeat(8 * 1_048_576))}\n`);
    expect(await next()).toMatchObject({ id, error: { code: -32_600, message: expect.stringContaining("bytes") } });
    stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
    expect(await next()).toMatchObject({ id: 1, result: {} });
  });
});

test("what is no message is answered, and what comes after it too", async () => {
  await speak(async ({ stdin }, next) => {
    stdin.write("{\n");
    expect(await next()).toMatchObject({ id: null, error: { code: -32_700 } });
    stdin.write('{"jsonrpc":"2.0","id":1,"method":"none"}\n');
    expect(await next()).toMatchObject({ id: 1, error: { code: -32_601 } });
    stdin.write(`{"jsonrpc":"2.0","id":2,"method":"ping"}\n`);
    expect(await next()).toEqual({ jsonrpc: "2.0", id: 2, result: {} });
    const params = '{"name":"lab__count","arguments":{"to":2},"_meta":{"progressToken":7}}';
    stdin.write(`{"jsonrpc":"2.0","id":3,"method":"tools/call","params":${params}}\n`);
    for (const progress of [1, 2])
      expect(await next()).toMatchObject({ method: "notifications/progress", params: { progressToken: 7, progress } });
    expect(await next()).toMatchObject({ id: 3, result: { structuredContent: { to: 2 } } });
  });
});

test("a node that is away is told of with each request", async () => {
  const { command: program, args, env } = command();
  const child = spawn(program, [...args.slice(0, 3), "127.0.0.1:9"], { env });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  child.stdin.write('{"jsonrpc":"2.0","id":1,"method":"ping"}\n');
  const answer = JSON.parse(String((await lines.next()).value));
  expect(answer).toMatchObject({
    id: 1,
    error: { code: -32_603, message: expect.stringContaining("127.0.0.1:9/mcp") },
  });
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
});

test("a wrong option is refused before anything is served", async () => {
  const both = await runToolgate(["mcp", "--toolset", "lab", "--meta", "--nodes", grpc]);
  expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining("do not go together") });
  const nowhere = await runToolgate(["mcp", "--http", "nowhere", "--nodes", grpc]);
  expect(nowhere.code).not.toBe(0);
  expect(nowhere.stderr).toContain("--http host:port");
});
