import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.js";
import { connect, defineTool, type Provider, serveToolset, type Toolgate, Type } from "../../../src/index.js";
import { createNode, type GatewayNode } from "../../../src/node.js";
import { FAST } from "../../cluster/fast.js";
import { gate, type Ledger, lab } from "../../cluster/tools.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { eventsOf, type McpReply, postBody, postLegacy, postModern } from "../../support/mcp.js";
import { privateRedis, type TestRedis } from "../../support/redis.js";
import { until } from "../../support/until.js";

expectNoLeaks();

let redis: TestRedis;
let node: GatewayNode;
let client: Toolgate;
let providers: Provider[] = [];
let url = "";
let grpc = "";
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
    look: defineTool({
      ...{ description: "Looks.", annotations: { readOnlyHint: true } },
      payload: Type.Object({}),
      run: () => "seen",
    }),
    add: defineTool({
      ...{ description: "Adds.", annotations: { destructiveHint: false } },
      payload: Type.Object({}),
      run: () => "added",
    }),
    list: defineTool({
      description: "Takes a list.",
      payload: Type.Array(Type.Integer()),
      result: Type.Object({ sum: Type.Integer() }),
      run: (items) => ({ sum: items.reduce((sum, item) => sum + item, 0) }),
    }),
  },
} as const;

const slowly = gate();
const slow = {
  name: "slow",
  version: "1.0.0",
  description: "Waits.",
  tools: {
    wait: defineTool({
      description: "Waits.",
      payload: Type.Object({}),
      run: async () => {
        await slowly.passed;
        return "done";
      },
    }),
  },
} as const;

beforeAll(async () => {
  redis = await privateRedis();
  const flags = { listen: "127.0.0.1:0", httpListen: "127.0.0.1:0", redisUrl: redis.url, logLevel: "silent" };
  node = createNode(
    parseConfig({ env: {}, flags: { ...FAST, ...flags, missedPings: 50, drainGraceMs: 500, mcpTaskAfterMs: 300 } }),
  );
  const { address, httpAddress } = await node.start();
  url = `http://${httpAddress}/mcp`;
  grpc = address;
  client = await connect(address);
  providers = [
    await serveToolset(lab(ledger, held), { nodes: address }),
    await serveToolset(shapes, { nodes: address }),
    await serveToolset(slow, { nodes: address }),
  ];
  for (const name of ["lab", "shapes", "slow"])
    await until("the toolset can be called", async () => (await client.get(name)).healthy);
});
afterAll(async () => {
  held.open();
  slowly.open();
  await Promise.all(providers.map((provider) => provider.stop()));
  await client?.close();
  await node?.stop();
  await redis?.stop();
});

const MODERN_META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientCapabilities": {},
};

const toolsIn = ({ result }: McpReply["end"]) => (result?.tools ?? []) as { name: string }[];
const textIn = ({ result }: McpReply["end"]) => ((result?.content ?? []) as { text: string }[])[0]?.text;

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
  const names = toolsIn(end).map(({ name }) => name);
  expect(names).toEqual([
    "lab__count",
    "lab__fail",
    "lab__hold",
    "lab__liar",
    "lab__stubborn",
    "lab__sum",
    "shapes__add",
    "shapes__list",
    "shapes__look",
    expect.stringMatching(/^shapes__with_dots-[a-z2-7]{12}$/),
    "slow__wait",
  ]);
  const sum = await modern("tools/call", { name: "lab__sum", arguments: { a: 1, b: 2 } });
  expect(sum.end).toEqual({
    jsonrpc: "2.0",
    id: 1,
    result: { resultType: "complete", content: [{ type: "text", text: "3" }], structuredContent: 3 },
  });
  expect(sum.headers.get("toolgate-call-id")).toMatch(/./);
  const dots = await modern("tools/call", { name: names.at(-2) });
  expect(dots.end.result).toMatchObject({ content: [{ type: "text", text: "dots" }] });
  const list = await modern("tools/call", { name: "shapes__list", arguments: { payload: [1, 2, 3] } });
  expect(list.end.result).toMatchObject({ structuredContent: { sum: 6 } });
  const bad = await modern("tools/call", { name: "shapes__list", arguments: { payload: ["x"] } });
  expect(bad.end.result).toMatchObject({ isError: true, content: [{ text: expect.stringContaining("/payload/0") }] });
});

test("a toolset has an address of its own, where its tools have their own names", async () => {
  const at = (path: string, method: string, params = {}) => postModern(`${url}/t/${path}`, { method, params });
  const { end } = await at("shapes", "tools/list");
  expect(toolsIn(end).map(({ name }) => name)).toEqual([
    "add",
    "list",
    "look",
    expect.stringMatching(/^with_dots-[a-z2-7]{12}$/),
  ]);
  expect((await at("lab", "tools/call", { name: "sum", arguments: { a: 1, b: 1 } })).end.result).toMatchObject({
    structuredContent: 2,
  });
  expect((await at("lab", "tools/call", { name: "lab__sum" })).end.error).toMatchObject({ code: -32_602 });
  expect((await at("default%2Flab", "server/discover")).end.result).toMatchObject({ instructions: "For experiments." });
  expect((await at("lap", "tools/list")).end.error).toMatchObject({
    code: -32_602,
    message: expect.stringContaining('did you mean "lab"'),
    data: { reason: "UNKNOWN_TOOLSET", executed: "no" },
  });
  expect((await at("..%2Fetc", "tools/list")).end.error).toMatchObject({ code: -32_602 });
});

describe("an address of few tools for many", () => {
  const meta = (name: string, args: Record<string, unknown>, more = {}) =>
    postModern(`${url}/meta`, { method: "tools/call", params: { name, arguments: args }, ...more });

  test("lists tools that find, describe and call the others", async () => {
    const { end } = await postModern(`${url}/meta`, { method: "tools/list" });
    expect(toolsIn(end).map(({ name }) => name)).toEqual([
      "search_tools",
      "describe_tools",
      "call_tool_read",
      "call_tool_write",
      "call_tool_destructive",
    ]);
    expect(end.result).toMatchObject({ resultType: "complete", ttlMs: expect.any(Number) });
  });

  test("leads from words to a call", async () => {
    const found = await meta("search_tools", { query: "adds two numbers" });
    const sum = { name: "lab__sum", description: "Adds two numbers.", call_with: "call_tool_destructive" };
    expect(found.end.result).toMatchObject({ structuredContent: { tools: expect.arrayContaining([sum]) } });
    expect(JSON.parse(textIn(found.end) ?? "")).toEqual(found.end.result?.structuredContent);
    const whole = await meta("search_tools", { query: "shapes", limit: 5 });
    expect(whole.end.result?.structuredContent).toMatchObject({
      tools: expect.arrayContaining([expect.objectContaining({ name: "shapes__list" })]),
    });
    const described = await meta("describe_tools", { names: ["lab__sum", "lab__none"] });
    expect(described.end.result?.structuredContent).toMatchObject({
      tools: [{ name: "lab__sum", inputSchema: { type: "object", required: ["a", "b"] } }],
      unknown: ["lab__none"],
    });
    const called = await meta("call_tool_destructive", { name: "lab__sum", arguments: { a: 40, b: 2 } });
    expect(called.end.result).toEqual({
      ...{ resultType: "complete", content: [{ type: "text", text: "42" }], structuredContent: 42 },
    });
    const counted = await meta(
      "call_tool_destructive",
      { name: "lab__count", arguments: { to: 2 } },
      { meta: { progressToken: 1 } },
    );
    expect(counted.messages).toHaveLength(3);
  });

  test.each([
    ["shapes__look", ["call_tool_read", "call_tool_write", "call_tool_destructive"]],
    ["shapes__add", ["call_tool_write", "call_tool_destructive"]],
    ["shapes__list", ["call_tool_destructive"]],
  ])("calls %s by %j alone", async (name, variants) => {
    for (const variant of ["call_tool_read", "call_tool_write", "call_tool_destructive"]) {
      const { end } = await meta(variant, { name, arguments: name === "shapes__list" ? { payload: [] } : {} });
      if (variants.includes(variant)) expect(end.result).not.toHaveProperty("isError");
      else
        expect(end.result).toMatchObject({
          isError: true,
          content: [{ text: expect.stringContaining(`${variants[0]}.`) }],
        });
    }
  });

  test.each<[string, Record<string, unknown>]>([
    ["search_tools", {}],
    ["search_tools", { query: 1 }],
    ["search_tools", { query: "x".repeat(257) }],
    ["search_tools", { query: "x", limit: 26 }],
    ["describe_tools", { names: [] }],
    ["describe_tools", { names: "lab__sum" }],
    ["describe_tools", { names: Array.from({ length: 11 }, () => "lab__sum") }],
    ["call_tool_read", {}],
    ["call_tool_read", { name: "lab__none" }],
    ["call_tool_destructive", { name: "search_tools" }],
    ["call_tool_destructive", { name: "lab__sum", arguments: [] }],
  ])("tells a model what is wrong with %s and %j", async (name, args) => {
    const { end } = await meta(name, args);
    expect(end.result).toMatchObject({
      isError: true,
      content: [{ type: "text", text: expect.stringMatching(/\.$/) }],
    });
  });

  test("has no other tools by their names", async () => {
    expect((await meta("lab__sum", { a: 1, b: 2 })).end.error).toMatchObject({ code: -32_602 });
  });
});

test.each<[string, Record<string, unknown>, object]>([
  ["an unknown tool", { name: "lab__none" }, { code: -32_602, message: 'Unknown tool: "lab__none".' }],
  ["a toolset's name", { name: "lab" }, { code: -32_602 }],
  ["a name with a slash", { name: "lab/sum" }, { code: -32_602 }],
  ["no name", {}, { code: -32_602 }],
  ["a name that is a list", { name: ["lab__sum"] }, { code: -32_602 }],
  ["arguments that are a list", { name: "lab__sum", arguments: [1, 2] }, { code: -32_602 }],
])("a call of %s is an error of the protocol", async (_what, params, error) => {
  const { status, end } = await modern("tools/call", params);
  expect(status).toBe(200);
  expect(end.error).toMatchObject(error);
});

test("what a model can mend, or has to know of, is a result that says that it is none", async () => {
  const runs = ledger.runs.length;
  const wrong = await modern("tools/call", { name: "lab__sum", arguments: { a: "1" } });
  expect(wrong.end.result).toMatchObject({
    isError: true,
    content: [{ type: "text", text: expect.stringContaining("/a") }],
    _meta: { "com.toolgate/error": { reason: "INVALID_PAYLOAD", executed: "no", violations: expect.any(Array) } },
  });
  expect(ledger.runs.length).toBe(runs);
  const failed = await modern("tools/call", { name: "lab__fail", arguments: {} });
  expect(failed.end.result).toMatchObject({
    isError: true,
    content: [{ type: "text", text: expect.stringMatching(/./) }],
    _meta: { "com.toolgate/error": { executed: "yes", call_id: failed.headers.get("toolgate-call-id") } },
  });
  const late = await postModern(url, {
    method: "tools/call",
    params: { name: "lab__hold", arguments: {} },
    headers: { "request-timeout": "300ms" },
  });
  expect(late.end.result).toMatchObject({
    isError: true,
    _meta: { "com.toolgate/error": { executed: "unknown", call_id: expect.stringMatching(/./) } },
  });
});

test("arguments reach the tool, and results the client, in their own digits", async () => {
  const body =
    '{"jsonrpc":"2.0","id":"big","method":"tools/call","params":{"name":"lab__sum","arguments":{"a":1e2,"b":0.10},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}}}';
  const headers = { "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "lab__sum" };
  const { end } = await postBody(url, body, headers);
  expect(end).toMatchObject({ id: "big", result: { structuredContent: 100.1 } });
  expect(ledger.runs.at(-1)?.context.payloadJson.toString()).toBe('{"a":1e2,"b":0.10}');
});

test("output is progress where its client asks for that", async () => {
  const params = { name: "lab__count", arguments: { to: 3 } };
  const { messages, headers } = await modern("tools/call", params, { id: 5, meta: { progressToken: "p" } });
  expect(headers.get("content-type")).toBe("text/event-stream");
  const progress = (number: number) => ({
    jsonrpc: "2.0",
    method: "notifications/progress",
    params: { progressToken: "p", progress: number, message: `{"i":${number}}` },
  });
  expect(messages).toEqual([
    ...[1, 2, 3].map(progress),
    expect.objectContaining({ id: 5, result: expect.objectContaining({ structuredContent: { to: 3 } }) }),
  ]);
  expect((await modern("tools/call", params)).messages).toHaveLength(1);
  expect((await modern("tools/call", params, { meta: { progressToken: 1.5 } })).end.error).toMatchObject({
    code: -32_602,
  });
});

test.each([[undefined], ["p"]])("a client that goes cancels its call (progress token: %s)", async (progressToken) => {
  const runs = ledger.runs.length;
  const leaving = new AbortController();
  const meta = progressToken === undefined ? {} : { progressToken };
  const call = modern("tools/call", { name: "lab__hold", arguments: {} }, { signal: leaving.signal, meta });
  await until("the tool runs", () => ledger.runs.length > runs);
  const { context } = ledger.runs[runs] ?? {};
  leaving.abort();
  await expect(call).rejects.toThrow();
  await until("the tool is told to stop", () => context?.signal.aborted === true);
});

test.each([[undefined], ["p"]])(
  "a client that goes can come back for a call that has ids (progress token: %s)",
  async (token) => {
    const runs = ledger.runs.length;
    const leaving = new AbortController();
    const ids = { "com.toolgate/run_id": "left", "com.toolgate/tool_call_id": String(token) };
    const meta = { ...ids, ...(token === undefined ? {} : { progressToken: token }) };
    const params = { name: "lab__hold", arguments: {} };
    const call = modern("tools/call", params, { signal: leaving.signal, meta });
    await until("the tool runs", () => ledger.runs.length > runs);
    const { context } = ledger.runs[runs] ?? {};
    leaving.abort();
    await expect(call).rejects.toThrow();
    const again = new AbortController();
    const second = modern("tools/call", params, { signal: again.signal, meta });
    await until("it is asked for again", () => ledger.runs.length === runs + 1);
    expect(context?.signal.aborted).toBe(false);
    const { callId = "" } = context ?? {};
    await client.cancel(callId);
    expect((await second).end.result).toMatchObject({
      isError: true,
      _meta: { "com.toolgate/error": { call_id: callId } },
    });
  },
);

test("repeats of one call run once", async () => {
  const runs = ledger.runs.length;
  const meta = { "com.toolgate/run_id": "run", "com.toolgate/tool_call_id": "call" };
  const repeats = await Promise.all(
    Array.from({ length: 50 }, (_, id) =>
      modern("tools/call", { name: "lab__sum", arguments: { a: 2, b: 3 } }, { id, meta }),
    ),
  );
  expect(ledger.runs.length).toBe(runs + 1);
  expect(new Set(repeats.map(({ end }) => JSON.stringify(end.result)))).toEqual(
    new Set(['{"resultType":"complete","content":[{"type":"text","text":"5"}],"structuredContent":5}']),
  );
  expect(repeats.map(({ end }) => (end as { id: number }).id)).toEqual(repeats.map((_, id) => id));
});

test("clients with equal ids get their own answers", async () => {
  const answers = await Promise.all(
    Array.from({ length: 64 }, (_, a) => {
      const post = { method: "tools/call", params: { name: "lab__sum", arguments: { a, b: 0 } }, id: 0 };
      return a % 2 === 0 ? postModern(url, post) : postLegacy(url, post);
    }),
  );
  expect(answers.map(({ end }) => textIn(end))).toEqual(answers.map((_, a) => String(a)));
});

test("pages hold all tools once, in one order, whatever is registered meanwhile", async () => {
  const many = (index: number) => ({
    name: `many-${index}`,
    version: "1.0.0",
    description: "Many.",
    tools: Object.fromEntries(
      Array.from({ length: 300 }, (_, tool) => [
        `t${String(tool).padStart(3, "0")}`,
        defineTool({ description: "One of many.", payload: Type.Object({}), run: () => tool }),
      ]),
    ),
  });
  const serve = async (index: number) => {
    const provider = await serveToolset(many(index), { nodes: grpc });
    providers.push(provider);
    await until("it is listed", async () => (await client.get(`many-${index}`)).healthy);
  };
  for (const index of [1, 3, 5]) await serve(index);
  const names: string[] = [];
  let cursor: unknown;
  do {
    const { end } = await modern("tools/list", cursor === undefined ? {} : { cursor });
    names.push(...toolsIn(end).map(({ name }) => name));
    cursor = end.result?.nextCursor;
    if (names.length < 600) await serve(2); // before where the list stands
  } while (cursor !== undefined);
  expect(names).toEqual([...new Set(names)].sort((a, b) => (a < b ? -1 : 1)).slice());
  for (const index of [1, 3, 5]) expect(names.filter((name) => name.startsWith(`many-${index}__`))).toHaveLength(300);
  expect((await modern("tools/list", { cursor: "made up" })).end.error).toMatchObject({ code: -32_602 });
  expect((await modern("tools/list", { cursor: 1 })).end.error).toMatchObject({ code: -32_602 });
  expect((await modern("tools/list", { cursor: "" })).end.result).toBeDefined();
  const elsewhere = await modern("tools/list");
  const { end } = await postModern(`${url}/t/lab`, {
    method: "tools/list",
    params: { cursor: elsewhere.end.result?.nextCursor },
  });
  expect(end.error).toMatchObject({ code: -32_602 });
});

describe("a client that takes tasks", () => {
  const capabilities = { extensions: { "io.modelcontextprotocol/tasks": {} } };
  const ask = (method: string, params: Record<string, unknown>, more = {}) =>
    modern(method, params, { capabilities, ...more });
  const hold = () => ask("tools/call", { name: "lab__hold", arguments: {} });

  test("hears that there are some", async () => {
    expect((await modern("server/discover")).end.result).toMatchObject({ capabilities });
  });

  test("gets the end at once where it comes soon, and a task where it does not", async () => {
    const sum = await ask("tools/call", { name: "lab__sum", arguments: { a: 1, b: 2 } });
    expect(sum.end.result).toMatchObject({ resultType: "complete", structuredContent: 3 });
    const { end } = await hold();
    expect(end.result).toEqual({
      resultType: "task",
      taskId: expect.stringMatching(/.{16}/),
      status: "working",
      createdAt: expect.stringMatching(/^20.*Z$/),
      lastUpdatedAt: expect.stringMatching(/^20.*Z$/),
      ttlMs: expect.any(Number),
      pollIntervalMs: expect.any(Number),
    });
    const { taskId, createdAt } = end.result as { taskId: string; createdAt: string };
    expect((await ask("tasks/get", { taskId })).end.result).toMatchObject({
      ...{ resultType: "complete", status: "working", taskId, createdAt },
    });
    expect((await ask("tasks/update", { taskId, inputResponses: {} })).end.result).toEqual({ resultType: "complete" });
    expect((await ask("tasks/cancel", { taskId })).end.result).toEqual({ resultType: "complete" });
    await until("it is cancelled", async () => (await ask("tasks/get", { taskId })).end.result?.status === "cancelled");
    expect((await ask("tasks/cancel", { taskId })).end.result).toEqual({ resultType: "complete" });
    expect((await ask("tasks/get", { taskId })).end.result).not.toHaveProperty("result");
  });

  test("finds the result with the task, in the same form as at once", async () => {
    const { end } = await ask("tools/call", { name: "slow__wait", arguments: {} });
    const { taskId } = end.result as { taskId: string };
    slowly.open();
    await until("it is done", async () => (await ask("tasks/get", { taskId })).end.result?.status === "completed");
    expect((await ask("tasks/get", { taskId })).end.result).toMatchObject({
      result: { resultType: "complete", content: [{ type: "text", text: "done" }], structuredContent: "done" },
    });
  });

  test("leaves its task running when it goes", async () => {
    const runs = ledger.runs.length;
    const leaving = new AbortController();
    const { end } = await ask("tools/call", { name: "lab__hold", arguments: {} }, { signal: leaving.signal });
    leaving.abort();
    expect(ledger.runs[runs]?.context.signal.aborted).toBe(false);
    const { taskId } = end.result as { taskId: string };
    expect((await ask("tasks/get", { taskId })).end.result).toMatchObject({ status: "working" });
    await ask("tasks/cancel", { taskId });
  });

  test.each(["tasks/get", "tasks/update", "tasks/cancel"])("has to say so for %s", async (method) => {
    const { status, end } = await modern(method, { taskId: "any" });
    expect(status).toBe(400);
    expect(end.error).toMatchObject({ code: -32_021, data: { requiredCapabilities: capabilities } });
  });

  test.each(["", "x", "../../etc", "0.AAAAAAAAAAAAAAAAAAAAAA"])(
    "gets an error for a task that is none: %j",
    async (taskId) => {
      for (const method of ["tasks/get", "tasks/update", "tasks/cancel"])
        expect((await ask(method, { taskId })).end.error).toMatchObject({ code: -32_602 });
      expect((await ask("tasks/get", {})).end.error).toMatchObject({ code: -32_602 });
    },
  );
});

describe("a client of an earlier revision", () => {
  const legacy = (method: string, params = {}, revision?: string) => postLegacy(url, { method, params }, revision);

  test.each([
    ["2025-11-25", "2025-11-25"],
    ["2025-06-18", "2025-06-18"],
    ["2025-03-26", "2025-03-26"],
    ["2024-11-05", "2025-11-25"],
  ])("opens with %s, and gets %s", async (protocolVersion, agreed) => {
    const params = { protocolVersion, capabilities: {}, clientInfo: { name: "test", version: "0" } };
    const { end, headers } = await legacy("initialize", params);
    expect(end.result).toMatchObject({
      protocolVersion: agreed,
      capabilities: { tools: { listChanged: true } },
      serverInfo: { name: "toolgate", version: expect.any(String) },
    });
    expect(headers.get("mcp-session-id")).toBeNull();
  });

  test("calls tools, whose values are objects where they are structured", async () => {
    const sum = await legacy("tools/call", { name: "lab__sum", arguments: { a: 1, b: 2 } });
    expect(sum.end.result).toEqual({ content: [{ type: "text", text: "3" }] });
    const count = await legacy("tools/call", { name: "lab__count", arguments: { to: 1 } });
    expect(count.end.result).toEqual({ content: [{ type: "text", text: '{"to":1}' }], structuredContent: { to: 1 } });
    const { end } = await legacy("tools/list");
    const listed = toolsIn(end).find(({ name }) => name === "lab__sum");
    expect(listed).not.toHaveProperty("outputSchema");
    expect(end.result).not.toHaveProperty("resultType");
  });

  test("is asked whether it lives, and told that what it says was heard", async () => {
    expect((await legacy("ping")).end).toEqual({ jsonrpc: "2.0", id: 1, result: {} });
    const heard = await postBody(url, '{"jsonrpc":"2.0","method":"notifications/initialized"}', {});
    expect([heard.status, heard.text]).toEqual([202, ""]);
  });

  test("has no methods of the newest revision, which has none of its", async () => {
    expect((await legacy("server/discover")).end.error).toMatchObject({ code: -32_601 });
    for (const method of ["ping", "initialize", "logging/setLevel", "tasks/list", "nothing"]) {
      const { status, end } = await modern(method);
      expect([method, status, end.error?.code]).toEqual([method, 404, -32_601]);
    }
  });

  test("may send several messages at once", async () => {
    const batch = [
      { jsonrpc: "2.0", id: 1, method: "ping" },
      { jsonrpc: "2.0", method: "notifications/initialized" },
      { jsonrpc: "2.0", id: 2, method: "tools/call", params: { name: "lab__sum", arguments: { a: 1, b: 2 } } },
      { jsonrpc: "2.0", id: 3, method: "none" },
    ];
    const { messages } = await postBody(url, JSON.stringify(batch), {});
    expect(messages).toMatchObject([
      { id: 1, result: {} },
      { id: 2, result: { content: [{ text: "3" }] } },
      { id: 3, error: { code: -32_601 } },
    ]);
    const heard = await postBody(url, '[{"jsonrpc":"2.0","method":"notifications/initialized"}]', {});
    expect(heard.status).toBe(202);
  });

  test("may do so in the one revision that has that, and in no other", async () => {
    const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
    for (const revision of ["2025-06-18", "2025-11-25", "2026-07-28", "none"]) {
      const { status, end } = await postBody(url, JSON.stringify([ping]), { "mcp-protocol-version": revision });
      expect([revision, status, end.error?.code]).toEqual([revision, 400, -32_600]);
    }
    // One of another revision within it, whose stream would have no end.
    const params = { _meta: MODERN_META, notifications: { toolsListChanged: true } };
    const listen = { jsonrpc: "2.0", id: 2, method: "subscriptions/listen", params };
    const { messages } = await postBody(url, JSON.stringify([ping, listen]), {});
    expect(messages).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: expect.any(Number) } },
    ]);
    const headers = { "mcp-method": "subscriptions/listen", "mcp-protocol-version": "2025-03-26" };
    const again = await postBody(url, JSON.stringify([listen]), headers);
    expect(again.messages).toMatchObject([{ id: 2, error: { code: expect.any(Number) } }]);
  });
});

describe("a list that changes", () => {
  const version = (number: number) => ({ ...lab(ledger, held, `1.0.${number}`), name: "changing" });
  const register = async (number: number): Promise<void> => {
    providers.push(await serveToolset(version(number), { nodes: grpc }));
  };

  test("is announced to those who listen, and is the new one by then", async () => {
    const leaving = new AbortController();
    const heard: string[] = [];
    const params = {
      notifications: { toolsListChanged: true, promptsListChanged: true },
      _meta: MODERN_META,
    };
    const modernStream = await fetch(url, {
      method: "POST",
      signal: leaving.signal,
      headers: {
        "content-type": "application/json",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": "subscriptions/listen",
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: "s", method: "subscriptions/listen", params }),
    });
    const legacyStream = await fetch(url, { headers: { accept: "text/event-stream" }, signal: leaving.signal });
    const readers = [modernStream, legacyStream].map(async (stream, index) => {
      const decoder = new TextDecoder();
      try {
        for await (const part of stream.body ?? []) heard[index] = (heard[index] ?? "") + decoder.decode(part);
      } catch {
        // it was left
      }
    });
    await until("the stream has begun", () => (heard[0] ?? "").includes("acknowledged"));
    expect(eventsOf(heard[0] ?? "")).toEqual([
      {
        jsonrpc: "2.0",
        method: "notifications/subscriptions/acknowledged",
        params: {
          notifications: { toolsListChanged: true },
          _meta: { "io.modelcontextprotocol/subscriptionId": "s" },
        },
      },
    ]);
    await register(1);
    for (const index of [0, 1])
      await until("it is announced", () => (heard[index] ?? "").includes("notifications/tools/list_changed"));
    const { end } = await postModern(`${url}/t/changing`, { method: "tools/list" });
    expect(end.result?.tools).toHaveLength(6);
    leaving.abort();
    await Promise.all(readers);
  });

  test("takes no stream for a client that reads none, or has another way", async () => {
    expect((await fetch(url)).status).toBe(405);
    const headers = { accept: "text/event-stream", "mcp-protocol-version": "2026-07-28" };
    expect((await fetch(url, { headers })).status).toBe(405);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(405);
  });
});

test.each<[string, Record<string, string>, number]>([
  ["another host", { host: "evil.example" }, 421],
  ["a page of another origin", { origin: "https://evil.example" }, 403],
  ["a body that is no JSON by its type", { "content-type": "text/plain" }, 415],
])("refuses a request with %s", async (_what, headers, status) => {
  const { port } = new URL(url);
  const answered = await new Promise<number | undefined>((resolve, reject) => {
    const asked = request(
      {
        port,
        host: "127.0.0.1",
        path: "/mcp",
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    asked.once("error", reject);
    asked.end('{"jsonrpc":"2.0","id":1,"method":"ping"}');
  });
  expect(answered).toBe(status);
});

test("what is no message is refused with a code of JSON-RPC", async () => {
  const { status, end } = await postBody(url, "{", {});
  expect(status).toBe(400);
  expect(end).toEqual({ jsonrpc: "2.0", id: null, error: { code: -32_700, message: expect.any(String) } });
});
