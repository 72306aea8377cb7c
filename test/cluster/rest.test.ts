import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { documentedPath } from "../../src/front/http/openapi.js";
import { ROUTES } from "../../src/front/http/routes.js";
import { connect, defineTool, type Provider, serveToolset, ToolFailure, type Toolgate, Type } from "../../src/index.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import { problem } from "../front/http/http-echo.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { type RestClient, restClient, type ServedEvent } from "../support/served-answers.js";
import { until } from "../support/until.js";
import { FAST } from "./fast.js";
import { gate, lab } from "./tools.js";

expectNoLeaks();

let redis: TestRedis;
let node: GatewayNode;
let client: Toolgate;
let provider: Provider;
let nodes = "";
let rest: RestClient;
const held = gate();

beforeAll(async () => {
  redis = await privateRedis();
  const flags = {
    ...FAST,
    missedPings: 50,
    listen: "127.0.0.1:0",
    httpListen: "127.0.0.1:0",
    redisUrl: redis.url,
    logLevel: "silent",
  };
  node = createNode(parseConfig({ env: {}, flags: { ...flags, drainGraceMs: 500 } }));
  const { address, httpAddress } = await node.start();
  nodes = address;
  rest = await restClient(`http://${httpAddress}`);
  client = await connect(address);
  provider = await serveToolset(lab({ runs: [] }, held), { nodes: address });
  await until("the toolset can be called", async () => (await client.get("lab")).healthy);
});
afterAll(async () => {
  held.open();
  await provider?.stop();
  await client?.close();
  await node?.stop();
  await redis?.stop();
});

const get = (path: string, init?: RequestInit): Promise<Response> => rest.ask(path, init);

async function json(path: string): Promise<Record<string, unknown>> {
  const response = await get(path);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  return (await response.json()) as Record<string, unknown>; // an object, as all are
}

test("lists, shows and finds toolsets", async () => {
  expect(await json("/v1/toolsets")).toMatchObject({
    toolsets: [
      {
        name: "lab",
        version: "1.0.0",
        tags: ["test"],
        epochs: [{ epoch: expect.any(Number), state: "active", healthy: true }],
      },
    ],
    nextPageToken: "",
    stale: false,
  });
  expect(await json("/v1/toolsets?tags=other")).toMatchObject({ toolsets: [] });
  const toolset = await json("/v1/toolsets/lab");
  expect(toolset).toMatchObject({
    name: "lab",
    epoch: expect.any(Number),
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(await json("/v1/toolsets/default%2Flab")).toMatchObject({ name: "default/lab", digest: toolset.digest });
  expect(await json("/v1/toolsets/lab/tools/sum")).toMatchObject({
    name: "sum",
    description: "Adds two numbers.",
    payloadSchema: { type: "object", additionalProperties: false },
    resultSchema: { type: "number" },
    delivery: "once",
  });
  expect(await json("/v1/search?q=adds")).toMatchObject({ hits: [{ toolset: "lab", tool: "sum", healthy: true }] });
});

test.each([
  ["/v1/toolsets/nowhere", 404, "UNKNOWN_TOOLSET"],
  ["/v1/toolsets/..%2F..%2Fetc", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/%2e%2e", 404, "UNKNOWN_ROUTE"],
  ["/v1/toolsets/acme%2Flab", 404, "UNKNOWN_TOOLSET"],
  ["/v1/toolsets/%00", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/%ff", 400, "INVALID_REQUEST"],
  [`/v1/toolsets/${"x".repeat(2_000)}`, 400, "INVALID_REQUEST"],
  ["/v1/toolsets/lab/tools/none", 404, "UNKNOWN_TOOL"],
  ["/v1/toolsets/lab?epoch=9", 409, "EPOCH_MISMATCH"],
  ["/v1/toolsets/lab?epoch=one", 400, "INVALID_REQUEST"],
  ["/v1/toolsets?pageSize=0", 400, "INVALID_REQUEST"],
  ["/v1/toolsets?tag=a", 400, "INVALID_REQUEST"],
  ["/v1/toolsets?pageToken=made-up", 400, "INVALID_REQUEST"],
  ["/v1/search", 400, "INVALID_REQUEST"],
  ["/v1/search?q=a&access_token=secret", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/lab/tools", 404, "UNKNOWN_ROUTE"],
  ["/metrics", 404, "UNKNOWN_ROUTE"],
  ["/v2/toolsets", 404, "UNKNOWN_ROUTE"],
  ["/", 404, "UNKNOWN_ROUTE"],
])("%s is refused", async (path, status, reason) => {
  expect(await problem(get(path))).toMatchObject({
    status,
    reason,
    type: `urn:toolgate:error:${reason}`,
    title: expect.stringMatching(/./),
    executed: "no",
  });
});

test("a watch tells all toolsets, then what changes, and goes on from any event", async () => {
  const events = await watch();
  const first = await events.next("snapshot");
  expect(first).toMatchObject({ data: { toolsets: [{ name: "lab" }], more: false }, id: expect.stringMatching(/./) });
  const other = await serveToolset({ ...lab({ runs: [] }), name: "other" }, { nodes });
  const registered = await events.next("change");
  expect(registered).toMatchObject({ data: { kind: "registered", toolset: "other", epoch: expect.any(Number) } });
  events.close();
  await other.stop();
  const again = await watch({ "last-event-id": first.id ?? "" });
  expect((await again.next("change")).data).toMatchObject({ kind: "registered", toolset: "other" });
  again.close();
  const unknown = await watch({ "last-event-id": "made-up" }); // of another node's time, for all that is known
  expect(await unknown.next("snapshot")).toMatchObject({ data: { toolsets: expect.any(Array) } });
  unknown.close();
});

const post = (path: string, body = "", headers: Record<string, string> = {}): Promise<Response> =>
  get(path, {
    method: "POST",
    ...(body === "" ? {} : { body }),
    headers: { "content-type": "application/json", ...headers },
  });

const SUM = "/v1/toolsets/lab/tools/sum:call";

test("a call answers with the tool's result, and nothing else", async () => {
  const response = await post(SUM, '{"a": 1, "b": 2}');
  expect([response.status, await response.text()]).toEqual([200, "3"]);
  const callId = response.headers.get("toolgate-call-id") ?? "";
  expect(response.headers.get("toolgate-attempt")).toBe("1");
  expect(await json(`/v1/calls/${callId}`)).toMatchObject({
    ...{ callId, toolset: "lab", tool: "sum", state: "ended" },
    terminal: { kind: "result", executed: "yes", attempt: 1, result: 3 },
  });
  expect(await (await post("/v1/toolsets/default%2Flab/tools/sum:call", '{"a": 1, "b": 3}')).text()).toBe("4");
});

test("a key makes a call that is made once", async () => {
  const first = await post(SUM, '{"a": 2, "b": 2}', { "idempotency-key": '"order-7"' });
  const again = await post(SUM, '{"a": 2, "b": 2}', { "idempotency-key": "order-7" });
  expect(again.headers.get("toolgate-call-id")).toBe(first.headers.get("toolgate-call-id"));
  expect(await problem(post(SUM, '{"a": 9, "b": 9}', { "idempotency-key": "order-7" }))).toMatchObject({
    status: 409,
    reason: "CALL_CONFLICT",
  });
});

test.each([
  ...["idempotency-key", "toolgate-run-id", "toolgate-session-id", "toolgate-turn-id", "toolgate-tool-call-id"],
  ...["toolgate-parent-tool-call-id", "toolgate-expect-digest", "toolgate-on-disconnect", "toolgate-webhook"],
  ...["toolgate-no-provider", "request-timeout"],
])("an empty %s is refused", async (header) => {
  expect(await problem(post(SUM, '{"a": 1, "b": 2}', { [header]: "" }))).toMatchObject({
    ...{ status: 400, reason: "INVALID_REQUEST" },
    violations: [expect.objectContaining({ field: expect.stringContaining(header) })],
  });
});

test.each([
  ["POST", "/v1/toolsets/lab", "GET, HEAD"],
  ["POST", "/v1/toolsets/lab/tools/sum", "GET, HEAD"],
  ["GET", SUM, "POST"],
  ["DELETE", "/v1/toolsets", "GET, HEAD, POST"],
  ["HEAD", "/v1/toolsets:watch", "GET"],
  ["PUT", "/mcp", "POST, GET, DELETE"],
])("%s %s is not allowed, but %s", async (method, path, allow) => {
  const response = await get(path, { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
});

test("a call's output comes as events, from any of them on", async () => {
  const accepted = await post("/v1/toolsets/lab/tools/count:call", '{"to": 3}', { prefer: "respond-async" });
  expect(accepted.status).toBe(202);
  const location = accepted.headers.get("location") ?? "";
  expect(await accepted.json()).toMatchObject({ callId: location.replace("/v1/calls/", ""), repeatedRequest: false });
  const all: ServedEvent[] = [];
  for await (const event of rest.events(await get(`${location}/events`))) all.push(event);
  expect(all.map(({ event, data }) => [event, data])).toEqual([
    ["output", { attempt: 1, data: { i: 1 } }],
    ["output", { attempt: 1, data: { i: 2 } }],
    ["output", { attempt: 1, data: { i: 3 } }],
    ["terminal", { terminal: expect.objectContaining({ kind: "result", result: { to: 3 } }) }],
  ]);
  const later: ServedEvent[] = [];
  const headers = { "last-event-id": all[1]?.id ?? "" };
  for await (const event of rest.events(await get(`${location}/events`, { headers }))) later.push(event);
  expect(later).toEqual(all.slice(2));
  const terminal = all.at(-1)?.id ?? "";
  const after = (id: string): Promise<Response> => get(`${location}/events`, { headers: { "last-event-id": id } });
  expect([(await after(terminal)).status, await (await after(terminal)).text()], "browsers stop").toEqual([204, ""]);
  expect(await problem(after(`made-up${terminal}`))).toMatchObject({ status: 400 });
  const missed: ServedEvent[] = [];
  for await (const event of rest.events(await after(terminal.replace(/^[^.]+/, all[1]?.id ?? "")))) missed.push(event);
  expect(missed, "what there is after an end that was not this one").toEqual(all.slice(2));
});

test("a call without output has an end that can be asked after, too", async () => {
  const callId = (await post(SUM, '{"a": 1, "b": 2}')).headers.get("toolgate-call-id");
  const events: ServedEvent[] = [];
  for await (const event of rest.events(await get(`/v1/calls/${callId}/events`))) events.push(event);
  expect(events).toMatchObject([{ event: "terminal", id: expect.stringMatching(/./) }]);
  const headers = { "last-event-id": events[0]?.id ?? "" };
  expect((await get(`/v1/calls/${callId}/events`, { headers })).status).toBe(204);
  const unknown = `0.${"A".repeat(22)}`;
  expect(await problem(get(`/v1/calls/${unknown}/events`, { headers }))).toMatchObject({ status: 404 });
});

test("a call that does not end in time is waited for elsewhere, and cancelled", async () => {
  const waited = await post("/v1/toolsets/lab/tools/hold:call?wait=50ms");
  expect(waited.status).toBe(202);
  const location = waited.headers.get("location") ?? "";
  expect(await json("/v1/calls?toolset=lab")).toMatchObject({ calls: [{ tool: "hold" }], nextPageToken: "" });
  const cancelled = await post(`${location}:cancel`);
  expect([cancelled.status, await cancelled.json()]).toEqual([200, { state: "claimed" }]);
  await until("it has ended", async () => (await json(location)).state === "ended");
  expect(await json(location)).toMatchObject({ terminal: { kind: "cancelled" } });
  const ended = "/v1/calls?toolset=lab&tool=hold&state=ended";
  const last = { tool: "hold", state: "ended", kind: "cancelled", reason: "CANCELLED", principal: expect.any(String) };
  expect(await json(`${ended}&kinds=cancelled,tool_error`)).toMatchObject({ calls: [last], sampled: false });
  expect(await json(`${ended}&kinds=result&minTotalMs=1&sinceMs=1`)).toMatchObject({ calls: [] });
  expect((await get(`${ended}&kinds=fine`)).status).toBe(400);
  expect((await get("/v1/calls?kinds=result")).status).toBe(400);
  const quick = await post(`${SUM}?wait=30s`, '{"a": 1, "b": 1}');
  expect([quick.status, await quick.text()]).toEqual([200, "2"]);
});

test.each([
  [SUM, '{"a": 1}', 422, "INVALID_PAYLOAD"],
  [SUM, '{"a": 1, "b": 2, "a": 3}', 400, "MALFORMED_JSON"],
  [SUM, '{"a": 1, "b": 2} x', 400, "MALFORMED_JSON"],
  [SUM, "\u{feff}{}", 400, "MALFORMED_JSON"],
  [SUM, `${"[".repeat(10_000)}${"]".repeat(10_000)}`, 400, "MALFORMED_JSON"],
  [`${SUM}?wait=soon`, "{}", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/lab/tools/none:call", "{}", 404, "UNKNOWN_TOOL"],
  ["/v1/toolsets/lab/tools/..%2Fsum:call", "{}", 400, "INVALID_REQUEST"],
  ["/v1/toolsets/lab/tools/sum:drop", "{}", 404, "UNKNOWN_ROUTE"],
  ["/v1/calls/none:cancel", "", 400, "INVALID_REQUEST"],
])("POST %s with %j is refused", async (path, body, status, reason) => {
  expect(await problem(post(path, body))).toMatchObject({ status, reason, executed: "no" });
});

test("the served document has every route, and its tools' document an operation for each tool", async () => {
  const document = await json("/v1/openapi.json");
  const paths = document.paths as Record<string, Record<string, { operationId: string }>>;
  const served = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(served.toSorted()).toEqual(ROUTES.map((one) => `${one.method} ${documentedPath(one)}`).toSorted());
  const ids = Object.values(paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
  expect(new Set(ids).size).toBe(ids.length);
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
    expect((document.components as { schemas: object }).schemas).toHaveProperty(name ?? "");
  const tools = await json("/v1/openapi/tools?toolset=lab");
  expect(tools).toMatchObject({
    openapi: "3.1.0",
    paths: {
      "/v1/toolsets/lab/tools/sum:call": {
        post: {
          operationId: "sum",
          requestBody: { content: { "application/json": { schema: { type: "object", additionalProperties: false } } } },
          responses: { 200: { content: { "application/json": { schema: { type: "number" } } } } },
        },
      },
    },
  });
});

/** What becomes of a page that takes it for HTML, of a terminal that prints it, of a header that has it. */
const HOSTILE = [
  ...["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "</textarea><svg onload=x>"],
  ...[
    "\u202eevil\u202c\u2066\u200b",
    "line\nset-cookie: a=b",
    "\u2028\u2029",
    "__proto__",
    "constructor",
    "\ud83d\ude08",
  ],
].join(" ");
/** Tools can say this, too; contracts cannot. */
const CONTROLS = `${HOSTILE}\u001b[2J\u001b]0;owned\u0007\u0000\r\nset-cookie: a=b\r\n\r\n<h1>`;

/** Answers that no browser takes for a page, with nothing of what others said in their headers. */
function expectInert(response: Response): void {
  expect(response.headers.get("content-type")).toMatch(
    /^(application\/json|application\/problem\+json|text\/event-stream)$/,
  );
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
  });
  for (const [name, value] of response.headers) {
    expect(value, name).toMatch(/^[ -~]*$/);
    expect(`${name}: ${value}`).not.toMatch(/script>|onerror|javascript:|set-cookie|proto|owned/);
  }
}

describe("what others say is answered as JSON to the byte, and never in a header", () => {
  const POLLUTION = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
  const open = { payload: Type.Object({}, { additionalProperties: true }) };
  const hostile = {
    name: "hostile",
    version: "1.0.0",
    title: HOSTILE.replace(/\n/g, " ").slice(0, 100),
    description: HOSTILE,
    tools: {
      says: defineTool({
        ...open,
        title: "<img src=x onerror=alert(1)>",
        description: HOSTILE,
        meta: { _meta: { [HOSTILE]: HOSTILE } },
        run: async (_input, context) => {
          await context.emit({ [CONTROLS]: CONTROLS });
          return { [CONTROLS]: CONTROLS };
        },
      }),
      fails: defineTool({
        ...open,
        run: () => {
          throw new ToolFailure("HOSTILE_FAILURE", CONTROLS, { [CONTROLS]: CONTROLS });
        },
      }),
      echoes: defineTool({ ...open, run: (input) => input }),
    },
  };
  let served: Provider;
  beforeAll(async () => {
    served = await serveToolset(hostile, { nodes, logger: { info() {}, warn() {} } });
    await until("it can be called", async () => (await client.get("hostile")).healthy);
  });
  afterAll(() => served?.stop());

  test("descriptions, titles and metadata", async () => {
    for (const path of [
      ...["/v1/toolsets", "/v1/toolsets/hostile", "/v1/toolsets/hostile/tools/says", "/v1/search?q=script+alert"],
      "/v1/openapi/tools?toolset=hostile",
    ]) {
      const response = await get(path);
      expectInert(response);
      expect(response.status).toBe(200);
      expect(await response.text()).toContain(JSON.stringify(HOSTILE).slice(1, 40));
    }
    const events = await watch();
    expect(await events.next("snapshot")).toMatchObject({
      data: { toolsets: expect.arrayContaining([expect.objectContaining({ description: HOSTILE })]) },
    });
    events.close();
  });

  test("results, output and errors", async () => {
    const result = await post("/v1/toolsets/hostile/tools/says:call", "{}");
    expectInert(result);
    expect([result.status, await result.json()]).toEqual([200, { [CONTROLS]: CONTROLS }]);
    const call = result.headers.get("toolgate-call-id");
    const followed = await get(`/v1/calls/${call}/events`);
    expectInert(followed);
    const events: ServedEvent[] = [];
    for await (const event of rest.events(followed)) events.push(event);
    expect(events.map(({ event }) => event)).toEqual(["output", "terminal"]);
    expect(events[0]?.data).toMatchObject({ data: { [CONTROLS]: CONTROLS } });
    const failure = await post("/v1/toolsets/hostile/tools/fails:call", "{}");
    expectInert(failure);
    expect(await problem(failure)).toMatchObject({
      ...{ reason: "HOSTILE_FAILURE", origin: "tool", type: "urn:toolgate:error:TOOL_ERROR" },
      details: { [CONTROLS]: CONTROLS },
    });
    const kept = await get(`/v1/calls/${failure.headers.get("toolgate-call-id")}`);
    expectInert(kept);
  });

  test("names of prototypes are refused, and none of the node's own objects", async () => {
    const made = await post("/v1/toolsets/hostile/tools/echoes:call", POLLUTION);
    expectInert(made);
    expect(await problem(made)).toMatchObject({ status: 400, reason: "MALFORMED_JSON" });
    const refused = await post("/v1/explain", `{"toolset":"hostile","tool":"echoes","__proto__":{"polluted":true}}`);
    expectInert(refused);
    expect(refused.status).toBe(400);
    for (const query of ["?__proto__[polluted]=true", "?constructor.prototype.polluted=true", "?tags=a&tags=__proto__"])
      expectInert(await get(`/v1/toolsets${query}`));
    expect(({} as { readonly polluted?: boolean }).polluted).toBeUndefined();
  });

  test("what a request says of itself", async () => {
    for (const [path, headers] of [
      [`/v1/toolsets/${encodeURIComponent(CONTROLS).slice(0, 900)}`, {}],
      ["/v1/<img src=x onerror=alert(1)>", {}],
      [`/${encodeURIComponent(HOSTILE)}`, {}],
      [`/v1/toolsets?${encodeURIComponent(HOSTILE)}=1`, {}],
      [`/v1/toolsets?pageToken=${encodeURIComponent(HOSTILE)}`, {}],
      ["/v1/toolsets:watch", { "last-event-id": "<img src=x onerror=alert(1)>" }],
      ["/v1/calls/javascript:alert(1)", {}],
    ] as const) {
      const stop = new AbortController();
      const response = await get(path, { headers, signal: stop.signal });
      expectInert(response);
      stop.abort();
    }
    for (const header of ["idempotency-key", "toolgate-run-id", "toolgate-expect-digest", "prefer", "request-timeout"])
      expectInert(await post(SUM, '{"a":1,"b":2}', { [header]: "<img src=x onerror=alert(1)>\u00ad\u009b" }));
  });

  test("tools and toolsets have no such names, and no control characters in what is shown of them", async () => {
    const register = (more: object, tool: object = {}) =>
      post(
        "/v1/toolsets",
        JSON.stringify({
          contract: { name: "bad", version: "1.0.0", tools: [{ name: "tool", payloadSchema: {}, ...tool }], ...more },
          ...{ providerId: "bad", incarnation: "1" },
        }),
      );
    for (const [more, tool] of [
      [{ name: "__proto__" }, {}],
      ...["<img src=x onerror=alert(1)>", "../lab", "a%2fb", "\u202eevil", "a\nb"].flatMap((name) => [
        [{ name }, {}],
        [{}, { name }],
      ]),
      [{ description: CONTROLS }, {}],
      [{}, { title: CONTROLS }],
      [{ description: "x".repeat(10_000_000) }, {}],
      [{}, { description: "x".repeat(10_000_000) }],
    ] as const) {
      const response = await register(more ?? {}, tool);
      expectInert(response);
      expect([413, 422, 400], JSON.stringify([more, tool]).slice(0, 100)).toContain(response.status);
    }
    expect((await get("/v1/toolsets/bad")).status).toBe(404);
    // A word like any other for a tool, which nothing is kept by.
    expect((await register({}, { name: "__proto__" })).status).toBe(201);
    expect(await json("/v1/toolsets/bad/tools/__proto__")).toMatchObject({ name: "__proto__", payloadSchema: {} });
    const { paths } = await json("/v1/openapi/tools?toolset=bad");
    expect(Object.keys(paths as object)).toEqual(["/v1/toolsets/bad/tools/__proto__:call"]);
    const { epoch } = await json("/v1/toolsets/bad");
    expect((await post("/v1/toolsets/bad:unregister", JSON.stringify({ epoch }))).status).toBe(204);
    expect((await post(SUM, '{"a":1,"b":2}')).status).toBe(200);
  });
});

test("health is told to anybody", async () => {
  for (const path of ["/livez", "/readyz"]) expect(await json(path)).toEqual({ status: "ok" });
  expect(await json("/healthz")).toMatchObject({
    status: "ok",
    node: node.nodeId,
    parts: { started: true, serving: true, redisAnswers: true },
  });
});

async function watch(headers: Record<string, string> = {}) {
  const abort = new AbortController();
  const response = await get("/v1/toolsets:watch", { headers, signal: abort.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const events = rest.events(response);
  return {
    async next(name: string): Promise<ServedEvent> {
      for (;;) {
        const { value, done } = await events.next();
        if (done) throw new Error(`the stream ended before ${name}`);
        if (value.event === name) return value;
      }
    },
    close: () => abort.abort(),
  };
}
