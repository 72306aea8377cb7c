import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Type } from "typebox";
import { expect, test } from "vitest";
import { RPC_RULES } from "../../../src/access/rpc-rules.js";
import { deferred } from "../../../src/async/deferred.js";
import { CALL_HEADERS } from "../../../src/front/http/call-request.js";
import { csrfTokenOf, SESSION_COOKIE } from "../../../src/front/http/request-credentials.js";
import { type Route, route } from "../../../src/front/http/route.js";
import { ROUTES } from "../../../src/front/http/routes.js";
import { serverStream, unary } from "../../../src/front/services/methods.js";
import { invalidField } from "../../../src/identity/names.js";
import { RawJson } from "../../../src/json/raw-json.js";
import { ScriptedAccess } from "../../access/scripted-access.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { type HttpEcho, httpEcho, problem } from "./http-echo.js";

expectNoLeaks();

const HEALTH = ROUTES.filter(({ tag }) => tag === "health");

/** Gives its body back, as the gateway's Invoke does. */
const ECHO = route({
  method: "POST",
  path: "/echo",
  rpc: "Gateway/Invoke",
  operationId: "echo",
  summary: "Gives its body back.",
  tag: "test",
  query: Type.Object({}, { additionalProperties: true }),
  body: "raw",
  answers: { 200: { description: "The body.", schema: Type.Unknown() } },
  async handle({ body, ask }) {
    const { terminal } = await ask.unary("Gateway/Invoke", { call: { payloadJson: body } as never }); // all that it reads
    return { status: 200, body: { echo: new RawJson(terminal?.resultJson as Buffer) } };
  },
});

const FOLLOW = route({
  method: "GET",
  path: "/follow",
  rpc: "Gateway/FollowCall",
  operationId: "follow",
  summary: "Follows.",
  tag: "test",
  answers: { 200: { description: "Events.", schema: Type.Unknown(), contentType: "text/event-stream" } },
  async handle({ ask }) {
    const messages = ask.stream("Gateway/FollowCall", { callId: "c" });
    return {
      events: (async function* () {
        for await (const { deltas = [] } of messages)
          for (const { cursor = "", dataJson } of deltas)
            yield {
              id: cursor,
              event: "output",
              data: new RawJson(Buffer.from((dataJson as Buffer | undefined) ?? "{}")),
            };
      })(),
    };
  },
});

const TEST_ROUTES: readonly Route[] = [...HEALTH, ECHO, FOLLOW];
const routes = { routes: TEST_ROUTES };

const post = (echo: HttpEcho, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  echo.get("/echo", { method: "POST", body, headers: { "content-type": "application/json", ...headers } });

const as = (name: string): Record<string, string> => ({ authorization: `Bearer ${name}` });

test.each([
  ["small, in one write with its head", "ä€😀"],
  ["longer than that", "ä€😀".repeat(1_000)],
])("a body passes through as it came: %s", async (_which, text) => {
  await using echo = await httpEcho({}, {}, routes);
  const body = `{ "a": 1.0e400, "a" : 12345678901234567890, "\\u006e": [ ], "ä": "${text}" }`;
  const response = await post(echo, body);
  expect(await response.text()).toBe(`{"echo":${body}}`);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "application/json",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  });
});

test("HTTP is off where that is said", async () => {
  await using echo = await httpEcho({}, { httpListen: "off" });
  expect(echo.address).toBe("");
});

test("an address that is taken is a fault where it was asked for, and none where it was not", async () => {
  const taker = createServer().listen({ host: "127.0.0.1", port: 0 });
  await once(taker, "listening");
  const autoAddress = `127.0.0.1:${(taker.address() as AddressInfo).port}`; // of a server that listens on a port
  try {
    await using echo = await httpEcho({}, { httpListen: "auto" }, { autoAddress });
    expect(echo.address).toBe("");
    expect(echo.lines).toMatchObject([{ event: "http_not_served", level: "info", address: autoAddress }]);
    await expect(httpEcho({}, { httpListen: autoAddress })).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringContaining(`TOOLGATE_HTTP_LISTEN (--http-listen): cannot listen on ${autoAddress}`),
    });
  } finally {
    taker.close();
  }
});

test.each([
  ["localhost", 200],
  ["localhost:1", 200],
  ["127.0.0.1:80", 200],
  ["[::1]:9", 200],
  ["10.1.2.3", 200],
  ["tools.example:7480", 200],
  ["TOOLS.example", 200],
  ["node-1.local", 200],
  ["evil.example", 421],
  ["tools.example.evil.example", 421],
  ["localhost.evil.example", 421],
  ["127.0.0.1.nip.io", 421],
  ["", 421],
])("a request for the host %j is answered with %i", async (host, status) => {
  await using echo = await httpEcho({}, { httpHosts: "tools.example, other.example", advertise: "node-1.local:1" });
  const answer = await echo.raw(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
});

test("two hosts are none", async () => {
  await using echo = await httpEcho();
  const answer = await echo.raw("GET /livez HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1.1 4(00|21) /);
});

test("pages of other origins may not ask, unless they are named", async () => {
  await using echo = await httpEcho({}, { httpOrigins: "https://console.example" }, routes);
  const from = (origin: string, more: RequestInit = {}) =>
    echo.get("/livez", { ...more, headers: { origin, ...(more.headers as Record<string, string>) } });
  for (const origin of ["https://evil.example", "null", "http://localhost:1", "https://console.example.evil.example"])
    expect(await problem(from(origin))).toMatchObject({ status: 403, reason: "FORBIDDEN_ORIGIN" });
  const own = await from(`http://${echo.address}`);
  expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  const named = await from("https://console.example");
  expect([named.status, named.headers.get("access-control-allow-origin")]).toEqual([200, "https://console.example"]);
  expect(named.headers.get("vary")).toBe("Origin");
  const asked = await echo.get("/echo", {
    method: "OPTIONS",
    headers: { origin: "https://console.example", "access-control-request-method": "POST" },
  });
  expect([asked.status, asked.headers.get("access-control-allow-methods")]).toEqual([204, "GET, POST, PUT, DELETE"]);
  expect((await echo.get("/echo", { method: "OPTIONS" })).headers.get("access-control-allow-methods")).toBeNull();
});

test("a page of another origin may send every header that a call has, and those of arguments", async () => {
  await using echo = await httpEcho({}, { httpOrigins: "https://console.example" });
  const allowed = async (asked: string): Promise<string[]> => {
    const response = await echo.get("/livez", {
      method: "OPTIONS",
      headers: {
        origin: "https://console.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
      },
    });
    expect(response.headers.get("vary")).toBe("Origin, Access-Control-Request-Headers");
    return (response.headers.get("access-control-allow-headers") ?? "").split(", ");
  };
  const always = await allowed("");
  expect(always).toEqual(expect.arrayContaining([...Object.keys(CALL_HEADERS.properties), "authorization"]));
  const asked = ["mcp-param-region", "Mcp-Param-user_id", "x-other", "mcp-param-", `mcp-param-${"x".repeat(129)}`];
  expect(await allowed(asked.join(","))).toEqual([...always, "mcp-param-region", "mcp-param-user_id"]);
  const many = Array.from({ length: 500 }, (_, index) => `mcp-param-${index}`).join(",");
  expect(await allowed(many)).toHaveLength(always.length + 64);
});

test("HEAD is answered as GET is, without the body", async () => {
  await using echo = await httpEcho({}, {}, routes);
  for (const path of ["/livez", "/readyz"]) {
    const got = await echo.get(path);
    const asked = await echo.get(path, { method: "HEAD" });
    expect([asked.status, asked.headers.get("content-length")]).toEqual([200, got.headers.get("content-length")]);
    expect(await asked.text()).toBe("");
  }
  echo.health.now = { ready: false, parts: { redisAnswers: false } };
  expect((await echo.get("/readyz", { method: "HEAD" })).status).toBe(503);
  expect((await echo.get("/none", { method: "HEAD" })).status).toBe(404);
  const stream = await echo.get("/follow", { method: "HEAD" });
  expect([stream.status, stream.headers.get("allow")]).toEqual([405, "GET"]);
});

test.each([
  ["DELETE", "/livez", "GET, HEAD"],
  ["PATCH", "/livez?verbose=1", "GET, HEAD"],
  ["GET", "/echo", "POST"],
  ["PUT", "/echo", "POST"],
])("%s %s is refused, and told what is allowed", async (method, path, allow) => {
  await using echo = await httpEcho({}, {}, routes);
  const response = await echo.get(path, { method, ...(method === "GET" ? {} : { body: "{}" }) });
  expect(response.headers.get("allow")).toBe(allow);
  expect(await problem(response)).toMatchObject({
    ...{ status: 405, reason: "METHOD_NOT_ALLOWED", executed: "no" },
    detail: `"${path.split("?")[0]}" is not asked by ${method}, but by ${allow}.`,
  });
});

test("headers are bounded by number and by size", async () => {
  await using echo = await httpEcho();
  const many = (count: number) => Array.from({ length: count }, (_, index) => `X-${index}: 1\r\n`).join("");
  const get = (headers: string) =>
    echo.raw(`GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}\r\n`);
  expect(await get(many(100))).toMatch(/^HTTP\/1.1 200 /);
  expect(await get(many(127))).toMatch(/^HTTP\/1.1 431 [\s\S]*HEADERS_TOO_LARGE/);
  expect(await get(many(100_000))).toMatch(/^HTTP\/1.1 431 [\s\S]*HEADERS_TOO_LARGE/);
  expect(await get(`X-Large: ${"x".repeat(20_000)}\r\n`)).toMatch(/^HTTP\/1.1 431 [\s\S]*HEADERS_TOO_LARGE/);
});

test("what is no request is refused as a problem", async () => {
  await using echo = await httpEcho();
  await echo.get("/livez");
  for (const bytes of [
    "GET /livez HTTP/9.9\r\n\r\n",
    "\0\0\0\0\r\n\r\n",
    "GET /livez HTTP/1.1\r\nHost: a\r\nX y: 1\r\n\r\n",
  ])
    expect(await echo.raw(bytes)).toMatch(
      /^HTTP\/1.1 400 [\s\S]*application\/problem\+json[\s\S]*x-content-type-options: nosniff[\s\S]*INVALID_REQUEST/,
    );
});

test.each([
  ["a transfer coding below chunked", "Host: a\r\nTransfer-Encoding: gzip, chunked", 400, "INVALID_REQUEST"],
  ["an expectation of its own", "Host: localhost\r\nExpect: foo\r\nContent-Length: 2", 417, "EXPECTATION_FAILED"],
  ["no host", "Content-Length: 2", 400, "INVALID_REQUEST"],
])("a request with %s is refused as a problem", async (_what, headers, status, reason) => {
  await using echo = await httpEcho({}, {}, routes);
  await echo.get("/livez");
  const head = `POST /echo HTTP/1.1\r\nContent-Type: application/json\r\n${headers}\r\n\r\n`;
  expect(await echo.raw(`${head}{}`)).toMatch(
    new RegExp(`^HTTP/1.1 ${status} [\\s\\S]*application/problem\\+json[\\s\\S]*"reason":"${reason}"`),
  );
});

test("a caller that expects to go on is told to", async () => {
  await using echo = await httpEcho({}, {}, routes);
  const head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
  const answer = await echo.raw(`${head}Expect: 100-Continue\r\nContent-Length: 2\r\n\r\n{}`);
  expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200 /);
});

test("headers and bodies that come too slowly end their request, and no other one", async () => {
  await using echo = await httpEcho({}, { messageTimeoutMs: 300 }, routes);
  const head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const [headers, body, good] = await Promise.all([
    echo.raw(head),
    echo.raw(`${head}Content-Length: 10\r\n\r\n{`),
    post(echo, "{}"),
  ]);
  expect(headers).toMatch(/^HTTP\/1.1 408 [\s\S]*REQUEST_TIMEOUT/);
  expect(body).toMatch(/^HTTP\/1.1 408 [\s\S]*REQUEST_TIMEOUT/);
  expect(good.status).toBe(200);
});

test("a body is JSON, of a bounded size, and not compressed", async () => {
  await using echo = await httpEcho(
    {},
    {
      maxPayloadBytes: 1_000,
      maxResultBytes: 1_000,
      maxContractBytes: 2_000,
      maxSchemaBytes: 1_000,
      maxMessageBytes: 262_144,
    },
    routes,
  );
  const large = "x".repeat(300_000);
  expect(await problem(post(echo, large))).toMatchObject({ status: 413, reason: "MESSAGE_TOO_LARGE" });
  const chunked = await echo.raw(
    `POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n${large}\r\n`,
  );
  expect(chunked).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*MESSAGE_TOO_LARGE/i);
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""])
    expect(await problem(post(echo, "{}", { "content-type": type }))).toMatchObject({
      status: 415,
      reason: "UNSUPPORTED_MEDIA_TYPE",
    });
  expect(await problem(post(echo, "{}", { "content-encoding": "gzip" }))).toMatchObject({ status: 415 });
  expect((await post(echo, "{}", { "content-type": 'application/json; charset="UTF-8"' })).status).toBe(200);
  expect((await post(echo, "{}")).status).toBe(200);
});

test("callers prove who they are before anything of the body is read", async () => {
  const access = new ScriptedAccess("ada");
  const failed: unknown[] = [];
  await using echo = await httpEcho(
    {},
    {},
    { ...routes, access, onFailure: (call, error) => failed.push([call.path, error]) },
  );
  const head = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const unread = await echo.raw(`${head}Content-Length: 1000000\r\n\r\n`);
  expect(unread).toMatch(/^HTTP\/1.1 401 [\s\S]*www-authenticate: Bearer[\s\S]*UNAUTHENTICATED/i);
  expect(failed).toMatchObject([["/toolgate.v1.Gateway/Invoke", { reason: "UNAUTHENTICATED" }]]);
  expect((await post(echo, "{}", as("ada"))).status).toBe(200);
  for (const name of ["eve", "broken"]) {
    const refused = await problem(post(echo, "{}", as(name)));
    expect(refused).toMatchObject({ status: 401, reason: "UNAUTHENTICATED" });
    expect(JSON.stringify(refused)).not.toContain("hunter2");
  }
  const twice = `${head}Authorization: Bearer ada\r\nAuthorization: Bearer eve\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`;
  expect(await echo.raw(twice)).toMatch(/^HTTP\/1.1 401 /);
  // Nothing else of a request says who it is.
  const claims = { "x-user": "ada", "x-forwarded-user": "ada", "x-api-key": "ada", forwarded: "for=ada" };
  expect((await post(echo, "{}", claims)).status).toBe(401);
  expect((await echo.get("/echo?access_token=ada", { method: "POST" })).status).toBe(401);
});

test("the cookie of a login needs its token where something is changed", async () => {
  const access = new ScriptedAccess("tg_session");
  await using echo = await httpEcho({}, {}, { ...routes, access });
  const cookie = `theme=dark; ${SESSION_COOKIE}=tg_session`;
  expect((await echo.get("/follow", { headers: { cookie } })).status).toBe(200);
  expect((await post(echo, "{}", { cookie })).status).toBe(401);
  expect((await post(echo, "{}", { cookie, "x-csrf-token": csrfTokenOf("tg_other") })).status).toBe(401);
  expect((await post(echo, "{}", { cookie, "x-csrf-token": csrfTokenOf("tg_session") })).status).toBe(200);
  expect((await echo.get("/follow", { headers: { cookie: `${cookie}; ${SESSION_COOKIE}=tg_other` } })).status).toBe(
    401,
  );
});

test("a fault of the node says nothing of itself", async () => {
  const Invoke = unary(async () => {
    throw new TypeError("hunter2");
  });
  await using echo = await httpEcho({ Invoke }, {}, routes);
  const { correlationId, ...told } = await problem(post(echo, "{}"));
  expect(told).toMatchObject({ status: 500, reason: "INTERNAL", detail: "A fault of the node.", executed: "unknown" });
  expect(echo.lines).toMatchObject([{ event: "call_failed", correlationId, path: "/toolgate.v1.Gateway/Invoke" }]);
});

test("fields are named as REST has them, and quoted words as they came", async () => {
  const Invoke = unary(async () => {
    throw invalidField("page_token", 'must be the next_page_token of an earlier answer, not "a_b"');
  });
  await using echo = await httpEcho({ Invoke }, {}, routes);
  const description = 'must be the nextPageToken of an earlier answer, not "a_b"';
  expect(await problem(post(echo, "{}"))).toMatchObject({
    detail: `pageToken ${description}`,
    violations: [{ field: "pageToken", description }],
  });
});

test("a caller waits no longer than it said", async () => {
  const Invoke = unary(async () => new Promise<never>(() => {}));
  await using echo = await httpEcho({ Invoke }, {}, routes);
  expect(await problem(post(echo, "{}", { "request-timeout": "50ms" }))).toMatchObject({
    status: 504,
    reason: "DEADLINE_EXCEEDED",
    executed: "unknown",
  });
  expect(await problem(post(echo, "{}", { "request-timeout": "soon" }))).toMatchObject({ status: 400 });
});

test("a method hears that its caller has gone", async () => {
  const left = deferred<unknown>();
  const Invoke = unary(async (_request, context) => {
    context.whenAbandoned((reason) => left.resolve(reason));
    return new Promise<never>(() => {});
  });
  await using echo = await httpEcho({ Invoke }, {}, routes);
  const socket = await echo.open();
  socket.write(
    "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
  );
  await until("the first request has loaded the application", async () => (await echo.get("/livez")).ok);
  socket.destroy();
  expect(await left.promise).toMatchObject({ reason: "CANCELLED" });
});

test("a stream ends when its caller's credential does not hold any more", async () => {
  const access = new ScriptedAccess("ada");
  const FollowCall = serverStream(async function* (_request, { signal }) {
    yield { deltas: [{ cursor: "1-0", dataJson: Buffer.from('{"line":\n1}') }] };
    await once(signal, "abort");
  });
  await using echo = await httpEcho({ FollowCall }, {}, { ...routes, access });
  const response = await echo.get("/follow", { headers: as("ada") });
  const body = response.text();
  await until("it has begun", () => access.asked.length > 0);
  access.known.delete("ada");
  access.change();
  expect(await body).toMatch(
    /^id: 1-0\nevent: output\ndata: {"line":\ndata: 1}\n\nevent: problem\ndata: {.*"UNAUTHENTICATED".*}\n\n$/,
  );
});

test("a reader of events that does not read is cut, and no other caller notices", async () => {
  const ended = deferred<void>();
  const FollowCall = serverStream(async function* () {
    try {
      for (;;) yield { deltas: [{ cursor: "1-0", dataJson: Buffer.from(`"${"x".repeat(100_000)}"`) }] };
    } finally {
      ended.resolve();
    }
  });
  await using echo = await httpEcho({ FollowCall }, { readTimeoutMs: 200 }, routes);
  const socket = await echo.open();
  socket.pause();
  socket.write("GET /follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await ended.promise;
  expect((await post(echo, "{}")).status).toBe(200);
});

test("connections, streams and answered requests are counted, of any path under few names", async () => {
  const answered: [string, string, number][] = [];
  const FollowCall = serverStream(async function* (_request, { signal }) {
    yield { deltas: [{ cursor: "1-0" }] };
    if (!signal.aborted) await once(signal, "abort");
  });
  const Invoke = unary(async () => new Promise<never>(() => {}));
  const onAnswered = (...one: [string, string, number]) => void answered.push(one);
  await using echo = await httpEcho({ FollowCall, Invoke }, {}, { ...routes, onAnswered });
  const stop = new AbortController();
  const stream = await echo.get("/follow", { signal: stop.signal });
  await stream.body?.getReader().read();
  expect([echo.server.connections > 0, echo.server.streams]).toEqual([true, 1]);
  stop.abort();
  await until("the stream is counted as over", () => answered.length === 1 && echo.server.streams === 0);
  await echo.get("/livez", { method: "HEAD" });
  await echo.get("/none/of/them");
  await echo.get("/echo");
  await echo.get("/echo?x=1", { method: "POST", headers: { "request-timeout": "0" } });
  const socket = await echo.open();
  socket.write("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n");
  await echo.get("/livez");
  await until("the request has arrived", async () => (await echo.get("/livez")).ok && echo.server.connections > 1);
  socket.destroy();
  await until("its caller has gone", () => answered.some(([, , status]) => status === 499));
  expect(answered.filter(([method, route]) => `${method} ${route}` !== "GET /livez")).toEqual([
    ["GET", "/follow", 200],
    ["HEAD", "/livez", 200],
    ["other", "other", 404],
    ["other", "other", 405],
    ["POST", "/echo", 400],
    ["POST", "/echo", 499],
  ]);
});

test("a host has so many connections, and others theirs", async () => {
  await using echo = await httpEcho({}, { maxConnections: 4, maxConnectionsPerHost: 2 });
  const sockets = await Promise.all([echo.open(), echo.open(), echo.open()]);
  await until("one of them is closed", () => sockets.filter(({ closed }) => closed).length === 1);
});

test("a connection has so many requests that are not answered; the others are refused in their turn", async () => {
  const release = deferred<void>();
  let begun = 0;
  const Invoke = unary(async () => {
    begun++;
    await release.promise;
    return { terminal: { resultJson: Buffer.from("1") } };
  });
  await using echo = await httpEcho({ Invoke }, {}, routes);
  const one = "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
  const answers = echo.raw(one.repeat(40));
  await until("the first of them are under way", () => begun === 16);
  expect((await echo.get("/livez")).status, "by another connection").toBe(200);
  release.resolve();
  const statuses = [...(await answers).matchAll(/HTTP\/1\.1 (\d+) [^\0]*?"(?:reason":"(\w+)|echo)"/g)].map(
    ([, status, reason]) => [Number(status), reason],
  );
  expect(statuses).toEqual([...Array.from({ length: 16 }, () => [200, undefined]), [429, "LIMIT_EXCEEDED"]]);
  expect(begun).toBe(16);
});

const CHOOSY = route({
  method: "POST",
  path: "/choosy",
  rpc: "Gateway/Invoke",
  operationId: "choosy",
  summary: "Takes some words.",
  tag: "test",
  query: Type.Object(
    {
      colour: Type.Optional(Type.Union([Type.Literal("red"), Type.Literal("green")])),
      size: Type.Optional(Type.Enum(["s", "m"])),
      count: Type.Optional(Type.Integer({ minimum: 1 })),
    },
    { additionalProperties: false },
  ),
  body: Type.Object(
    {
      all: Type.Optional(Type.Literal(true)),
      colour: Type.Optional(Type.Union([Type.Literal("red"), Type.Literal("green")])),
    },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "Nothing.", schema: Type.Object({}) } },
  handle: async () => ({ status: 200, body: {} }),
});

test.each([
  ["?colour=blue", "{}", "query/colour", "must be one of red, green"],
  ["?size=xl", "{}", "query/size", "must be one of s, m"],
  ["?count=0", "{}", "query/count", "must be >= 1"],
  ["?color=red", "{}", "query", 'has no "color", but colour, size, count'],
  [`?${"<b>".repeat(40)}`, "{}", "query", `has no "${"<b>".repeat(40).slice(0, 64)}", but colour, size, count`],
  ["", '{"colour":"blue"}', "body/colour", "must be one of red, green"],
  ["", '{"all":false}', "body/all", "must be true"],
  ["", '{"any":true}', "body", 'has no "any", but all, colour'],
])("POST /choosy%s with %s is told what may stand there", async (query, body, field, description) => {
  await using echo = await httpEcho({}, {}, { routes: [...HEALTH, CHOOSY] });
  const headers = { "content-type": "application/json" };
  const refused = await problem(echo.get(`/choosy${query}`, { method: "POST", body, headers }));
  expect(refused).toMatchObject({
    ...{ status: 400, reason: "INVALID_REQUEST", detail: `${field} ${description}` },
    violations: [{ field, description }],
  });
});

test("a route for an RPC that has no rule does not compile", () => {
  // @ts-expect-error there is no such RPC in the table of rules
  const rpc: Route["rpc"] = "Gateway/Nothing";
  expect(Object.keys(RPC_RULES)).not.toContain(`/toolgate.v1.${rpc}`);
});

test("a node that stops says so, ends its streams, and waits for what is under way", async () => {
  const release = deferred<void>();
  const begun = deferred<void>();
  const Invoke = unary(async () => {
    begun.resolve();
    await release.promise;
    return { terminal: { resultJson: Buffer.from("1") } };
  });
  const FollowCall = serverStream(async function* (_request, { signal }) {
    yield { deltas: [{ cursor: "1-0" }] };
    if (!signal.aborted) await once(signal, "abort");
  });
  await using echo = await httpEcho({ Invoke, FollowCall }, {}, routes);
  const answer = post(echo, "{}");
  await begun.promise;
  const stream = await echo.get("/follow");
  const idle = await echo.open();
  echo.server.beginDrain();
  const late = await echo.get("/livez");
  expect([late.status, late.headers.get("connection")]).toEqual([200, "close"]);
  const stopped = echo.server.stop(60_000);
  expect(await stream.text()).toMatch(/event: problem\ndata: {.*"NODE_DRAINING".*}\n\n$/);
  await once(idle, "close");
  release.resolve();
  expect(await (await answer).json()).toEqual({ echo: 1 });
  await stopped;
  await expect(echo.get("/livez")).rejects.toThrow();
});

test("what is not over when the grace is ends", async () => {
  const begun = deferred<void>();
  const Invoke = unary(async () => {
    begun.resolve();
    return new Promise<never>(() => {});
  });
  await using echo = await httpEcho({ Invoke }, {}, routes);
  const answer = post(echo, "{}");
  await begun.promise;
  await echo.server.stop(0);
  expect(await problem(answer)).toMatchObject({ status: 503, reason: "NODE_DRAINING", executed: "unknown" });
});

test.each([
  ["Gateway/Nothing", /stands for Gateway\/Nothing, which is no RPC/],
  ["Catalog/Search", /stands for Catalog\/Search, which is no RPC/], // of a service that this server has not
])("a route for %s does not come up", async (rpc, fault) => {
  await using echo = await httpEcho({}, {}, { routes: [{ ...ECHO, rpc: rpc as Route["rpc"] }] });
  await expect(echo.get("/livez")).rejects.toThrow();
  expect(echo.lines).toMatchObject([{ event: "http_failed", error: { message: expect.stringMatching(fault) } }]);
});

test("readiness is what the node says", async () => {
  await using echo = await httpEcho();
  expect(await (await echo.get("/readyz")).json()).toEqual({ status: "ok" });
  echo.health.now = { ready: false, parts: { redisAnswers: false } };
  const response = await echo.get("/readyz");
  expect([response.status, await response.json()]).toEqual([503, { status: "unavailable" }]);
  expect((await echo.get("/livez")).status).toBe(200);
});
