import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { defineTool, type Provider, serveToolset, type ToolContext, Type } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { STEADY } from "../cluster/fast.js";
import { type Gate, gate, lab } from "../cluster/tools.js";
import { expectNoLeaks } from "../support/leaks.js";
import {
  type ConnectMcp,
  firstTypeScript,
  type McpClient,
  pythonClient,
  secondTypeScript,
} from "../support/mcp-clients.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { hasLanguage, pythonWith, SET_UP_MS, unlessOffline } from "../support/toolchains.js";
import { until } from "../support/until.js";

expectNoLeaks();

const WHAT = "clients of MCP in Python";
const [newer, older] = hasLanguage("python", WHAT)
  ? await Promise.all([
      unlessOffline(WHAT, () => pythonWith("mcp", ["mcp==2.3.0", "fastmcp==4.2.3"])),
      // LangChain's adapter needs the first generation, which cannot be beside the second.
      unlessOffline(WHAT, () => pythonWith("mcp-langchain", ["langchain-mcp-adapters==0.3.2"])),
    ])
  : [];

interface Tried {
  readonly name: string;
  readonly connect: ConnectMcp;
  /** That it closes the connection of a call that is given up; others only say so, to a session that there is none of. */
  readonly aborts: boolean;
  /** Some have no way to; Python's opens the stream of a `GET` in a session only, and there is none. */
  readonly hearsOfChanges: boolean;
}

const inPython = (python: string | undefined, library: string, more: Pick<Tried, "aborts" | "hearsOfChanges">) =>
  python === undefined ? [] : [{ name: `Python: ${library}`, connect: pythonClient(python, library), ...more }];

const CLIENTS: readonly Tried[] = [
  { name: "TypeScript, v1", connect: firstTypeScript, aborts: false, hearsOfChanges: true },
  { name: "TypeScript, v2, legacy", connect: secondTypeScript("legacy"), aborts: false, hearsOfChanges: true },
  { name: "TypeScript, v2, auto", connect: secondTypeScript("auto"), aborts: true, hearsOfChanges: true },
  {
    name: "TypeScript, v2, pinned",
    connect: secondTypeScript({ pin: "2026-07-28" }),
    aborts: true,
    hearsOfChanges: true,
  },
  ...inPython(newer, "mcp", { aborts: true, hearsOfChanges: true }),
  ...inPython(newer, "mcp-legacy", { aborts: false, hearsOfChanges: false }),
  ...inPython(newer, "fastmcp", { aborts: true, hearsOfChanges: false }),
  ...inPython(older, "langchain", { aborts: false, hearsOfChanges: false }),
];

/** More tools than a page holds. */
const MANY = 520;
/** How long a call may run before a client that takes tasks gets one: none of these does, so they wait on. */
const TASK_AFTER_MS = 100;

const contexts = new Map<string, ToolContext>();
const gates = new Map<string, Gate>();
const waiting = {
  name: "waiting",
  version: "1.0.0",
  description: "Waits.",
  tools: {
    wait: defineTool({
      description: "Waits at a gate, until it is opened or the call is stopped.",
      payload: Type.Object({ gate: Type.String() }),
      run: async ({ gate: name }, context) => {
        contexts.set(name, context);
        await Promise.race([
          gates.get(name)?.passed,
          new Promise((_resolve, reject) =>
            context.signal.addEventListener("abort", () => reject(context.signal.reason)),
          ),
        ]);
        return "passed";
      },
    }),
  },
} as const;
const many = {
  name: "many",
  version: "1.0.0",
  description: "Many.",
  tools: Object.fromEntries(
    Array.from({ length: MANY }, (_, index) => [
      `t${index}`,
      defineTool({ description: "One of many.", payload: Type.Object({}), run: () => index }),
    ]),
  ),
};

let redis: TestRedis;
let node: GatewayNode;
const providers: Provider[] = [];
let url = "";
let grpc = "";

beforeAll(async () => {
  redis = await privateRedis();
  const flags = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" };
  node = createNode(
    parseConfig({ env: {}, flags: { ...STEADY, ...flags, drainGraceMs: 500, mcpTaskAfterMs: TASK_AFTER_MS } }),
  );
  const { address, httpAddress } = await node.start();
  grpc = address;
  url = `http://${httpAddress}/mcp`;
  providers.push(await serveToolset(lab({ runs: [] }), { nodes: address }));
  providers.push(await serveToolset(waiting, { nodes: address }));
  providers.push(await serveToolset(many, { nodes: address }));
}, SET_UP_MS);
afterAll(async () => {
  for (const { open } of gates.values()) open();
  await Promise.all(providers.map((provider) => provider.stop()));
  await node?.stop();
  await redis?.stop();
});

describe.each(CLIENTS)("$name", ({ name: clientName, connect, aborts, hearsOfChanges }) => {
  let client: McpClient;
  const others: McpClient[] = [];
  let changes = 0;

  /** A call that waits at a gate of its own; resolves once the tool runs. */
  async function held(by: McpClient, what: string, signal?: AbortSignal) {
    const name = `${clientName}: ${what}`;
    const own = gate();
    gates.set(name, own);
    const call = by.call("waiting__wait", { gate: name }, signal === undefined ? {} : { signal });
    call.catch(() => {}); // looked at by the test
    const context = await until("the tool runs", () => contexts.get(name));
    return { call, open: own.open, context };
  }

  beforeAll(async () => {
    client = await connect(url, () => {
      changes++;
    });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
  });
  afterAll(async () => {
    await client?.close();
  });

  test("lists all tools", async () => {
    const names = await client.list();
    expect(names.filter((name) => name.startsWith("many__"))).toHaveLength(MANY);
    expect(new Set(names).size).toBe(names.length);
    expect(names).toEqual(expect.arrayContaining(["lab__sum", "waiting__wait"]));
  });

  test("calls a tool", async () => {
    expect(await client.call("lab__sum", { a: 1, b: 2 })).toEqual({ text: "3", failed: false });
  });

  test("lists and calls the tools of one toolset by their own names", async () => {
    const other = await connect(`${url}/t/lab`, () => {});
    others.push(other);
    expect([...(await other.list())].sort()).toEqual(["count", "fail", "hold", "liar", "stubborn", "sum"]);
    expect(await other.call("sum", { a: 2, b: 2 })).toEqual({ text: "4", failed: false });
  });

  test("is told that a tool failed, and which arguments are wrong", async () => {
    expect(await client.call("lab__fail", {})).toEqual({
      text: expect.stringContaining("it did not work"),
      failed: true,
    });
    expect(await client.call("lab__sum", { a: "one", b: 2 })).toEqual({
      text: expect.stringContaining("/a"),
      failed: true,
    });
  });

  test("hears of progress", async () => {
    const heard: unknown[] = [];
    const onProgress = (progress: number, message: string | undefined) => heard.push([progress, message]);
    expect(await client.call("lab__count", { to: 3 }, { onProgress })).toMatchObject({ text: '{"to":3}' });
    expect(heard).toEqual([1, 2, 3].map((i) => [i, `{"i":${i}}`]));
  });

  test("waits for a long call, and gets other answers meanwhile", async () => {
    const { call, open } = await held(client, "long");
    for (let a = 0; a < 10; a++)
      expect(await client.call("lab__sum", { a, b: 1 })).toEqual({ text: `${a + 1}`, failed: false });
    open();
    expect(await call).toEqual({ text: "passed", failed: false });
  });

  test("gets each of many answers that it asked for at once", async () => {
    const answers = await Promise.all(Array.from({ length: 32 }, (_, a) => client.call("lab__sum", { a, b: 100 })));
    expect(answers.map(({ text }) => text)).toEqual(answers.map((_, a) => `${a + 100}`));
  });

  test.runIf(aborts)("cancels the call that it gives up, and no other", async () => {
    const leaving = new AbortController();
    const given = await held(client, "given up", leaving.signal);
    const kept = await held(client, "kept");
    leaving.abort();
    await expect(given.call).rejects.toThrow();
    await until("the tool is told to stop", () => given.context.signal.aborted);
    expect(kept.context.signal.aborted).toBe(false);
    kept.open();
    expect(await kept.call).toEqual({ text: "passed", failed: false });
  });

  test("cancels its call when it goes", async () => {
    const other = await connect(url, () => {});
    const { call, context } = await held(other, "gone");
    await other.close();
    await expect(call).rejects.toThrow();
    await until("the tool is told to stop", () => context.signal.aborted);
  });

  test.runIf(hearsOfChanges)("hears that the list has changed, and finds the new tool", async () => {
    const before = changes;
    const name = `new-${CLIENTS.findIndex((tried) => tried.name === clientName)}`;
    const tools = { born: defineTool({ description: "New.", payload: Type.Object({}), run: () => "new" }) };
    providers.push(await serveToolset({ name, version: "1.0.0", description: "New.", tools }, { nodes: grpc }));
    await until("it hears", () => changes > before);
    await until("it is listed", async () => (await client.list()).includes(`${name}__born`));
    expect(await client.call(`${name}__born`, {})).toEqual({ text: "new", failed: false });
  });
});
