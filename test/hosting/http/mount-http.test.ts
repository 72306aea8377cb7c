import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { allowList } from "../../../src/egress/allow-list.js";
import { type HttpMount, mountHttp } from "../../../src/hosting/http/mount-http.js";
import type { MountHttpOptions } from "../../../src/hosting/http/mount-http-options.js";
import { ToolgateError } from "../../../src/index.js";
import type { Json } from "../../../src/json/json.js";
import { freePort } from "../../../src/local-cluster/free-port.js";
import { expectNoLeaks } from "../../support/leaks.js";
import { until } from "../../support/until.js";
import { RecordingRegistry } from "../fixtures/registry.js";
import { ApiServer, json } from "./api-server.js";
import { api, ENV } from "./plan.js";

expectNoLeaks();

let folder = "";
let server: ApiServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "toolgate-http-"));
  server = await ApiServer.start();
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.stop();
  server.seen.length = 0;
  server.answer = (_request, response) => json(response, {});
});

interface Mounted {
  readonly mount: HttpMount;
  readonly registry: RecordingRegistry;
  readonly log: { readonly event: string; readonly message: string }[];
  /** Writes another document in its place, as editors do. */
  replace(document: Json | string): Promise<void>;
}

const PATHS = {
  "/things/{id}": {
    get: {
      operationId: "getThing",
      parameters: [{ name: "id", in: "path", required: true, schema: { type: "string" } }],
    },
    delete: { operationId: "deleteThing" },
  },
  "/things": {
    get: { operationId: "listThings", parameters: [{ name: "q", in: "query", schema: { type: "string" } }] },
    post: { operationId: "makeThing", requestBody: { content: { "application/json": {} } } },
    head: { operationId: "headThings" },
  },
};

let documents = 0;
async function mountApi(
  document: Json = api(PATHS, { servers: [{ url: `${server.url}/v1` }] }),
  more: Partial<MountHttpOptions> = {},
  registry = new RecordingRegistry(),
): Promise<Mounted> {
  documents += 1;
  const path = join(folder, `api-${documents}.json`);
  await writeFile(path, JSON.stringify(document));
  const log: { event: string; message: string }[] = [];
  const write = (fields: object, message: string): void => {
    log.push({ event: String((fields as { event?: unknown }).event), message });
  };
  const mount = await mountHttp({
    name: "api",
    document: path,
    nodes: "127.0.0.1:1",
    env: ENV,
    egress: { allow: allowList("127.0.0.1"), allowedBy: "--allow-private" },
    random: () => 0.999,
    log: { debug: () => {}, info: write, warn: write, error: write },
    serve: registry.serve,
    ...more,
  });
  open.push(mount);
  const replace = async (changed: Json | string): Promise<void> => {
    await writeFile(`${path}.new`, typeof changed === "string" ? changed : JSON.stringify(changed));
    await rename(`${path}.new`, path);
  };
  return { mount, registry, log, replace };
}

describe("a mount", () => {
  test("registers what the document says, and delivers as methods allow", async () => {
    const { mount, registry } = await mountApi(undefined, { once: ["deleteThing"], tags: ["shop"], maxInFlight: 3 });
    expect(registry.served[0]?.toolset).toMatchObject({
      name: "api",
      version: "1.2.3",
      title: "An API",
      tags: ["shop"],
      tools: {
        getThing: {
          idempotent: true,
          annotations: { readOnlyHint: true },
          meta: { openapi: { method: "GET", path: "/things/{id}" } },
        },
        makeThing: { idempotent: false, annotations: { readOnlyHint: false } },
        deleteThing: { idempotent: false, annotations: { destructiveHint: true, idempotentHint: true } },
      },
    });
    expect(registry.served[0]?.options).toMatchObject({ maxInFlight: 3, skipInvalid: true });
    expect(mount.server).toBe(`${server.url}/v1`);
    await mount.stop();
    expect(registry.served[0]?.stopped).toBe(true);
    expect(await mount.closed).toEqual({ kind: "stopped" });
  });

  test("sends what a call says, and answers in the server's own bytes", async () => {
    const { registry } = await mountApi();
    const answer = '{ "price" : 10.00, "id":725653563933458433, "id2" : "\\u00e9" }';
    server.answer = (_request, response) => json(response, `\uFEFF${answer}`);
    expect(await registry.runRaw("makeThing", '{"body": { "a" : 1.0 } }')).toBe(answer);
    expect(await registry.runRaw("getThing", '{"id":"a/b"}')).toBe(answer);
    expect(server.seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "/v1/things", '{ "a" : 1.0 }'],
      ["GET", "/v1/things/a%2Fb", ""],
    ]);
    expect(server.seen[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "accept-encoding": "identity",
    });
  });

  test("sends the call's trace context, unless an argument is one", async () => {
    const given = { operationId: "given", parameters: [{ name: "Traceparent", in: "header" }] };
    const paths = { ...(PATHS as Record<string, Json>), "/given": { get: given } };
    const { registry } = await mountApi(api(paths, { servers: [{ url: server.url }] }));
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const sent = async (tool: string, input: Json, context: object): Promise<unknown[]> => {
      await registry.run(tool, input, context);
      const { traceparent: parent, tracestate: state } = server.seen.at(-1)?.headers ?? {};
      return [parent, state];
    };
    const tracestate = "vendor=1";
    expect(await sent("makeThing", {}, { traceparent, tracestate })).toEqual([traceparent, tracestate]);
    expect(await sent("makeThing", {}, { traceparent })).toEqual([traceparent, undefined]);
    expect(await sent("makeThing", {}, {})).toEqual([undefined, undefined]);
    expect(await sent("given", { Traceparent: "mine" }, { traceparent, tracestate })).toEqual(["mine", undefined]);
    // What is malformed is left out: a trace is no reason for a call to fail.
    expect(await sent("makeThing", {}, { traceparent, tracestate: "名=1" })).toEqual([traceparent, undefined]);
    expect(await sent("makeThing", {}, { traceparent: "a\r\nb: c", tracestate })).toEqual([undefined, undefined]);
    // A tracer of HTTP requests sends its own.
    const tracer = (message: unknown): void =>
      (message as { request: { addHeader(name: string, value: string): void } }).request.addHeader(
        "traceparent",
        "own",
      );
    subscribe("undici:request:create", tracer);
    open.push({ stop: async () => void unsubscribe("undici:request:create", tracer) });
    expect(await sent("makeThing", {}, { traceparent, tracestate })).toEqual(["own", undefined]);
  });

  test("gives other answers a form of their own", async () => {
    const { registry } = await mountApi();
    const answered = async (
      type: string,
      body: string | Buffer,
      headers: Record<string, string> = {},
    ): Promise<unknown> => {
      server.answer = (_request, response) => {
        response.writeHead(200, { ...(type === "" ? {} : { "content-type": type }), ...headers });
        response.end(body);
      };
      return await registry.run("listThings", {});
    };
    expect(await answered("text/csv", "a,b")).toEqual({ contentType: "text/csv", text: "a,b" });
    expect(await answered("text/plain; charset=iso-8859-1", Buffer.from([0xe9]))).toMatchObject({ text: "é" });
    expect(await answered("image/png", Buffer.from([1, 2, 255]))).toEqual({ contentType: "image/png", base64: "AQL/" });
    expect(await answered("", Buffer.from([0xff]))).toEqual({ contentType: "", base64: "/w==" });
    expect(await answered("application/json", "")).toBeNull();
    expect(await answered("application/problem+json", '{"a":1}')).toEqual({ a: 1 });
    expect(await answered("application/json", gzipSync('{"a":1}'), { "content-encoding": "gzip" })).toEqual({ a: 1 });
    await expect(answered("application/json", "{")).rejects.toMatchObject({ reason: "HTTP_INVALID_ANSWER" });
    await expect(answered("application/json", "x", { "content-encoding": "gzip" })).rejects.toThrow(
      "compressed by gzip",
    );
    await expect(answered("application/json", "x", { "content-encoding": "zip" })).rejects.toThrow("not asked for");
  });

  test("answers HEAD with the headers", async () => {
    const { registry } = await mountApi();
    server.answer = (_request, response) => {
      response.writeHead(200, { etag: '"1"', "set-cookie": "secret=1" });
      response.end();
    };
    expect(await registry.run("headThings", {})).toEqual({ status: 200, headers: { etag: '"1"' } });
  });

  test("passes streams on as output, event by event", async () => {
    const { registry } = await mountApi();
    const streamed = async (type: string, pieces: readonly string[]): Promise<unknown[]> => {
      server.answer = (_request, response) => {
        response.writeHead(200, { "content-type": type });
        for (const piece of pieces) response.write(piece);
        response.end();
      };
      const deltas: unknown[] = [];
      const result = await registry.run(
        "makeThing",
        {},
        { emit: async (delta) => void deltas.push(JSON.parse(JSON.stringify(delta))) },
      );
      return [...deltas, result];
    };
    const events = [
      ": hello\r",
      '\ndata: {"a":',
      " 1}\r\n\r\nevent: tick\ndata: x\ndata: y\n\n",
      "id: 1\n\ndata: last",
    ];
    expect(await streamed("text/event-stream", events)).toEqual([
      { a: 1 },
      { event: "tick", data: "x\ny" },
      "last",
      { contentType: "text/event-stream", events: 3 },
    ]);
    expect(await streamed("application/x-ndjson", ['{"a":1}\n{"b"', ":2}\n\noops\n"])).toEqual([
      { a: 1 },
      { b: 2 },
      "oops",
      { contentType: "application/x-ndjson", events: 3 },
    ]);
  });

  test("reads so much of an answer, compressed or not, and no more", async () => {
    const { registry } = await mountApi(undefined, { maxResponseBytes: 1_000 });
    server.answer = (_request, response) => json(response, `"${"x".repeat(2_000)}"`);
    await expect(registry.run("makeThing", {})).rejects.toThrow("more than 1000 bytes");
    server.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync(`"${"x".repeat(2_000)}"`));
    };
    await expect(registry.run("makeThing", {})).rejects.toThrow("more than 1000 bytes");
    server.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: ${"x".repeat(2_000)}`);
    };
    await expect(registry.run("makeThing", {})).rejects.toThrow("A piece of the stream has more than 1000 bytes");
  });

  test("stops a request when its call is to stop", async () => {
    const { registry } = await mountApi();
    let closed = false;
    server.answer = (_request, response) => void response.on("close", () => (closed = true));
    const abort = new AbortController();
    const call = registry.run("makeThing", {}, { signal: abort.signal });
    await until("the request is there", () => server.seen.length === 1);
    abort.abort(new Error("enough"));
    await expect(call).rejects.toThrow("enough");
    await until("its connection is closed", () => closed);
  });
});

describe("answers that are errors", () => {
  test("are tool errors with their status, what they say, and when to try again", async () => {
    const { registry } = await mountApi();
    const problem = { title: "Out of stock", detail: "No thing is left.", type: "about:blank" };
    server.answer = (_request, response) =>
      json(response, problem, 409, { "content-type": "application/problem+json" });
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({
      reason: "HTTP_ERROR",
      message: "POST /things was answered with 409 Conflict: No thing is left.",
      executed: "yes",
      details: { status: 409, contentType: "application/problem+json", body: problem },
    });
    server.answer = (_request, response) =>
      json(response, { error: { message: "slow down" } }, 429, { "retry-after": "7" });
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({
      message: "POST /things was answered with 429 Too Many Requests: slow down",
      details: { status: 429, retryAfterMs: 7_000 },
    });
    server.answer = (_request, response) => {
      response.writeHead(500, { "content-type": "text/html" });
      response.end("<h1>Oops</h1>".repeat(100_000));
    };
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({
      message: "POST /things was answered with 500 Internal Server Error",
      details: { status: 500, text: expect.stringMatching(/^<h1>.{1,4100}…$/) },
    });
    expect(server.seen).toHaveLength(3); // none was sent twice
  });

  test("that are of the moment are tried again where that is safe, and when the server says", async () => {
    const { registry } = await mountApi();
    let answers = 0;
    server.answer = (_request, response) => {
      answers += 1;
      if (answers < 3) json(response, {}, 503, { "retry-after": "0" });
      else json(response, { answers });
    };
    expect(await registry.run("getThing", { id: "1" })).toEqual({ answers: 3 });
    answers = -10;
    await expect(registry.run("getThing", { id: "1" })).rejects.toMatchObject({ details: { status: 503 } });
    expect(answers).toBe(-7);
    server.answer = (_request, response) => json(response, {}, 503, { "retry-after": "3600" });
    server.seen.length = 0;
    await expect(registry.run("getThing", { id: "1" })).rejects.toMatchObject({ details: { retryAfterMs: 3_600_000 } });
    expect(server.seen).toHaveLength(1);
  });
});

describe("connections that end", () => {
  test("after the request was sent leave its effect open, and it is not sent again", async () => {
    const { registry } = await mountApi();
    server.answer = (_request, response) => void response.destroy();
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({
      reason: "HTTP_CONNECTION_LOST",
      executed: "unknown",
      message: expect.stringContaining("it may have had its effect"),
    });
    expect(server.seen).toHaveLength(1);
    server.answer = (_request, response) => {
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('{"a":');
      setImmediate(() => response.destroy());
    };
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({
      reason: "HTTP_CONNECTION_LOST",
      executed: "unknown",
    });
    expect(server.seen).toHaveLength(2);
  });

  test("are tried again where that is safe", async () => {
    const { registry } = await mountApi();
    server.answer = (_request, response) => {
      if (server.seen.length < 3) response.destroy();
      else json(response, { tries: server.seen.length });
    };
    expect(await registry.run("deleteThing", { id: "1" })).toEqual({ tries: 3 });
  });

  test("before anything was sent say so", async () => {
    const port = await freePort();
    const { registry } = await mountApi(undefined, { server: `http://127.0.0.1:${port}` });
    await expect(registry.run("makeThing", {}, { deadline: new Date(Date.now() + 900) })).rejects.toMatchObject({
      reason: "HTTP_UNREACHABLE",
      message: expect.stringMatching(
        /^Nothing was sent: http:\/\/127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)\.$/,
      ),
    });
  });

  test("with what is no HTTP are lost", async () => {
    const sockets = new Set<Socket>();
    const odd = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.end("SSH-2.0-OpenSSH\r\n");
    });
    await new Promise<void>((resolve) => odd.listen(0, "127.0.0.1", resolve));
    open.push({
      stop: () => {
        for (const socket of sockets) socket.destroy();
        return new Promise((resolve) => odd.close(() => resolve()));
      },
    });
    const { port } = odd.address() as { port: number }; // it listens on TCP
    const { registry } = await mountApi(undefined, { server: `http://127.0.0.1:${port}` });
    await expect(registry.run("makeThing", {})).rejects.toMatchObject({ reason: "HTTP_CONNECTION_LOST" });
  });
});

describe("credentials", () => {
  const schemes = {
    inHeader: { type: "apiKey", in: "header", name: "X-Key" },
    inQuery: { type: "apiKey", in: "query", name: "api_key" },
    inCookie: { type: "apiKey", in: "cookie", name: "sid" },
    bearer: { type: "http", scheme: "Bearer" },
    basic: { type: "http", scheme: "basic" },
    oauth: { type: "oauth2", flows: {} },
    digest: { type: "http", scheme: "digest" },
  };
  const operation = (id: string, security: Json, parameters: Json = []): Json => ({
    get: { operationId: id, security, parameters },
  });
  const document = (): Json =>
    api(
      {
        "/a": operation(
          "a",
          [{ inHeader: [], inQuery: [], inCookie: [] }],
          [
            { name: "x-key", in: "header", required: true },
            { name: "api_key", in: "query", required: true },
            { name: "q", in: "query" },
          ],
        ),
        "/b": operation("b", [{ digest: [] }, { bearer: [] }]),
        "/c": operation("c", [{ basic: [] }]),
        "/d": operation("d", []),
        "/e": operation("e", [{}, { bearer: [] }]),
        "/f": operation("f", [{ oauth: ["read"] }]),
      },
      { servers: [{ url: server.url }], components: { securitySchemes: schemes } },
    );
  const auth = {
    inHeader: "env:KEY",
    inQuery: "env:KEY",
    inCookie: "env:KEY",
    bearer: "env:TOKEN",
    basic: "env:LOGIN",
  };

  test("go where the document says, in place of arguments; operations without one are left out", async () => {
    const { mount, registry } = await mountApi(document(), { auth });
    for (const tool of ["a", "b", "c", "d", "e"]) await registry.run(tool, { q: "1" });
    expect(
      server.seen.map(({ url, headers }) => [url, headers["x-key"] ?? headers.authorization, headers.cookie]),
    ).toEqual([
      ["/a?q=1&api_key=key-0123456789", "key-0123456789", "sid=key-0123456789"],
      ["/b", "Bearer token-0123456789", undefined],
      ["/c", `Basic ${Buffer.from(ENV.LOGIN).toString("base64")}`, undefined],
      ["/d", undefined, undefined],
      ["/e", undefined, undefined],
    ]);
    expect(registry.served[0]?.toolset.tools.a?.payload).toEqual({
      type: "object",
      properties: { q: {} },
      additionalProperties: false,
    });
    expect(mount.registration?.skipped).toEqual([
      { name: "f", part: "tool", why: "it needs a credential: --auth oauth=env:NAME" },
    ]);
  });

  test("of all requests are headers", async () => {
    const { registry } = await mountApi(document(), { headers: { "X-Key": "env:KEY" } });
    await registry.run("f", {});
    expect(server.seen[0]?.headers["x-key"]).toBe(ENV.KEY);
    expect(registry.served[0]?.toolset.tools.a?.payload).not.toMatchObject({ properties: { "x-key": {} } });
  });

  test("are read anew, and their absence is told without them", async () => {
    const path = join(folder, "secret");
    await writeFile(path, "first-secret\n");
    let nowMs = 0;
    const { registry } = await mountApi(document(), { auth: { bearer: `file:${path}` }, now: () => nowMs });
    const sent = async (): Promise<string | undefined> => {
      await registry.run("b", {}, { deadline: new Date(nowMs + 30_000) });
      return server.seen.at(-1)?.headers.authorization;
    };
    expect(await sent()).toBe("Bearer first-secret");
    await writeFile(path, "second-secret");
    expect(await sent()).toBe("Bearer first-secret");
    nowMs = 10_000;
    expect(await sent()).toBe("Bearer second-secret");
    await rm(path);
    nowMs = 20_000;
    await expect(sent()).rejects.toMatchObject({
      reason: "HTTP_NO_CREDENTIAL",
      message: expect.stringContaining("ENOENT"),
    });
  });

  test("that an error repeats are taken out of it", async () => {
    const { registry } = await mountApi(document(), { auth });
    server.answer = ({ headers, url }, response) => json(response, { message: `bad ${headers["x-key"]} ${url}` }, 401);
    const failure = await registry.run("a", {}).catch((error: unknown) => error);
    expect(JSON.stringify([failure, (failure as Error).message])).not.toContain(ENV.KEY);
    expect(failure).toMatchObject({ details: { body: { message: "bad [hidden] /a?api_key=[hidden]" } } });
  });

  test.each<[string, Partial<MountHttpOptions>, RegExp]>([
    ["that stand in the command", { auth: { bearer: "abc" } }, /must be env:NAME or file:path/],
    ["that are not there", { auth: { bearer: "env:NONE" } }, /refers to the variable NONE, which is not set/],
    [
      "of a scheme that the document does not have",
      { auth: { other: "env:KEY" } },
      /no security scheme "other": it has inHeader, inQuery/,
    ],
    ["of a scheme that is not spoken", { auth: { digest: "env:KEY" } }, /"digest" is not spoken/],
    ["of a header that is none", { headers: { "a b": "env:KEY" } }, /header cannot be named/],
    ["with line breaks", { auth: { bearer: "env:LINES" }, env: { LINES: "a\r\nb" } }, /characters that no header has/],
  ])("%s are refused", async (_name, more, message) => {
    await expect(mountApi(document(), more)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });
});

describe("redirects", () => {
  const auth = { bearer: "env:TOKEN" };
  const secured = (): Json =>
    api(PATHS, {
      servers: [{ url: `${server.url}/v1` }],
      security: [{ bearer: [] }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    });

  test("within the origin are followed with the credential", async () => {
    const { registry } = await mountApi(secured(), { auth });
    server.answer = ({ url }, response) => {
      if (url.startsWith("/v1/")) response.writeHead(302, { location: "/moved?x=1" }).end();
      else json(response, { here: true });
    };
    expect(await registry.run("getThing", { id: "1" })).toEqual({ here: true });
    expect(server.seen.map(({ url, headers }) => [url, headers.authorization])).toEqual([
      ["/v1/things/1", `Bearer ${ENV.TOKEN}`],
      ["/moved?x=1", `Bearer ${ENV.TOKEN}`],
    ]);
  });

  test.each<[string, string, number, (port: string) => string]>([
    ["by its address", "getThing", 302, (port) => `http://127.0.0.1:${port}/metrics`],
    ["over TLS", "getThing", 307, (port) => `https://127.0.0.1:${port}/metrics`],
    ["by an allowed name", "getThing", 302, (port) => `http://api.internal:${port}/metrics`],
    ["by another name", "getThing", 302, (port) => `https://api.example.com:${port}/metrics`],
    ["after an effect", "makeThing", 303, (port) => `https://api.example.com:${port}/metrics`],
  ])("do not lead to another port of an allowed private host %s", async (_name, tool, status, location) => {
    const other = await ApiServer.start();
    open.push(other);
    const egress = {
      allow: allowList("127.0.0.1,api.internal"),
      allowedBy: "--allow-private",
      resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    };
    const { registry } = await mountApi(secured(), { auth, egress });
    server.answer = (_request, response) =>
      void response.writeHead(status, { location: location(new URL(other.url).port) }).end();
    await expect(registry.run(tool, tool === "getThing" ? { id: "1" } : {})).rejects.toMatchObject({
      reason: "HTTP_ERROR",
      message: expect.stringMatching(
        /redirect \(30[0-9]\) that is not followed: where it leads is not dialled: (it must be an https URL|\S+ is no public address)\.$/,
      ),
    });
    expect(other.seen).toEqual([]);
    expect(server.seen).toHaveLength(1);
  });

  test.each<[string, string, number, string]>([
    ["to a private address", "getThing", 302, "https://10.0.0.1/"],
    ["to another protocol", "getThing", 302, "file:///etc/passwd"],
    ["with a user", "getThing", 302, "https://user:pass@example.com/"],
    ["to where metadata is", "getThing", 307, "http://169.254.169.254/latest/meta-data/"],
    ["of a request with an effect, to another server", "makeThing", 308, "https://example.com/"],
    ["of a request with an effect, as if it were a GET", "makeThing", 301, "/v1/other"],
    ["in a circle", "getThing", 302, "/v1/things/1"],
  ])("%s are not followed", async (_name, tool, status, location) => {
    const { registry } = await mountApi(secured(), { auth });
    server.answer = (_request, response) => {
      response.writeHead(status, { location });
      response.end();
    };
    await expect(registry.run(tool, tool === "getThing" ? { id: "1" } : {})).rejects.toMatchObject({
      reason: "HTTP_ERROR",
      message: expect.stringContaining(`redirect (${status}) that is not followed`),
      details: { status },
    });
  });

  test("of a request with an effect are followed within the origin as they are meant", async () => {
    const { registry } = await mountApi(secured(), { auth });
    server.answer = ({ url, method }, response) => {
      if (url === "/v1/things") response.writeHead(307, { location: "/v1/again" }).end();
      else if (url === "/v1/again") response.writeHead(303, { location: "/v1/done" }).end();
      else json(response, { method });
    };
    expect(await registry.run("makeThing", { body: [1] })).toEqual({ method: "GET" });
    expect(server.seen.map(({ method, url, body }) => [method, url, body])).toEqual([
      ["POST", "/v1/things", "[1]"],
      ["POST", "/v1/again", "[1]"],
      ["GET", "/v1/done", ""],
    ]);
  });
});

describe("addresses", () => {
  const nothingAllowed = { egress: { allow: allowList(""), allowedBy: "--allow-private" } };

  test.each<[string, string, RegExp]>([
    ["a private server", "https://127.0.0.1:8443", /127\.0\.0\.1 is no public address; --allow-private can allow it/],
    ["a server without TLS", "http://api.example.com", /must be an https URL/],
    ["a server with a user", "https://a:b@api.example.com", /must have no user or password/],
    ["a server of another protocol", "ftp://api.example.com", /is none of HTTP/],
    ["no server", "api", /is no whole URL/],
    ["a server with a query", "https://api.example.com/v1?key=1", /must have no query/],
    ["a mail server", "https://api.example.com:25", /its port is not one of HTTP/],
  ])("%s is refused at the start", async (_name, url, message) => {
    await expect(mountApi(undefined, { ...nothingAllowed, server: url })).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });

  test("a name that resolves to a private address, then or later, is not dialled", async () => {
    const egress = {
      allow: allowList(""),
      allowedBy: "--allow-private",
      resolve: async () => [{ address: "127.0.0.1", family: 4 }],
    };
    const port = new URL(server.url).port;
    const { registry } = await mountApi(undefined, { egress, server: `https://api.example.com:${port}` });
    await expect(registry.run("getThing", { id: "1" })).rejects.toMatchObject({
      reason: "HTTP_REFUSED",
      message: "Nothing was sent: api.example.com is no public address; --allow-private can allow it.",
    });
    expect(server.seen).toEqual([]);
  });

  test("an address that is allowed at one port is not dialled at others", async () => {
    const { host, port } = new URL(server.url);
    const allowing = (list: string): Partial<MountHttpOptions> => ({
      egress: {
        allow: allowList(list),
        allowedBy: "--allow-private",
        resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      },
    });
    const { registry } = await mountApi(undefined, allowing(host));
    expect(await registry.run("getThing", { id: "1" })).toEqual({});
    const byName = { ...allowing(`api.internal:${port}`), server: `http://api.internal:${port}` };
    expect(await (await mountApi(undefined, byName)).registry.run("getThing", { id: "1" })).toEqual({});
    await expect(mountApi(undefined, allowing("127.0.0.1:1"))).rejects.toThrow("it must be an https URL");
    // Nor by a name that resolves to it.
    const other = { ...allowing("127.0.0.1:1"), server: `https://api.example.com:${port}` };
    const { registry: refused } = await mountApi(undefined, other);
    await expect(refused.run("getThing", { id: "1" })).rejects.toMatchObject({ reason: "HTTP_REFUSED" });
    expect(server.seen).toHaveLength(2);
  });

  test("an operation at a server of its own is served within the origin alone", async () => {
    const paths = {
      "/a": { get: { operationId: "a", servers: [{ url: "/v2" }] } },
      "/b": { get: { operationId: "b", servers: [{ url: "https://other.example.com" }] } },
    };
    const { mount, registry } = await mountApi(api(paths, { servers: [{ url: `${server.url}/v1` }] }));
    await registry.run("a", {});
    expect(server.seen[0]?.url).toBe("/v2/a");
    expect(mount.registration?.skipped).toMatchObject([{ name: "b", why: expect.stringContaining("another server") }]);
  });

  test("a document may be fetched, and does not send credentials to another server by itself", async () => {
    const documents = await ApiServer.start();
    open.push(documents);
    const fetched = api(PATHS, {
      servers: [{ url: server.url }],
      security: [{ bearer: [] }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    });
    documents.answer = (_request, response) => json(response, fetched as object);
    const more = { document: `${documents.url}/openapi.json`, auth: { bearer: "env:TOKEN" } };
    await expect(mountApi(undefined, more)).rejects.toThrow(
      "Confirm with --server that credentials are to be sent there",
    );
    const { registry } = await mountApi(undefined, { ...more, server: server.url });
    await registry.run("getThing", { id: "1" });
    expect(server.seen[0]?.headers.authorization).toBe(`Bearer ${ENV.TOKEN}`);
    await expect(mountApi(undefined, { ...more, ...nothingAllowed, server: server.url })).rejects.toThrow(
      /cannot be fetched/,
    );
  });
});

describe("a document that changes", () => {
  const withMore = (more: Json): Json =>
    api({ ...PATHS, "/more": { get: { operationId: "more", description: more } } }, { servers: [{ url: server.url }] });

  test("is registered in place of the former one, which serves until then", async () => {
    const { registry, replace, mount } = await mountApi();
    await replace(withMore("Some more."));
    await until("it is registered", () => registry.served.length === 2);
    expect(registry.served[1]?.options.replace).toBe(true);
    expect(registry.served[1]?.toolset.tools).toHaveProperty("more");
    await until("the former provider has stopped", () => registry.served[0]?.stopped === true);
    expect(mount.state).toBe("serving");
  });

  test("in what calls do alone is no other contract", async () => {
    const { registry, replace, mount } = await mountApi();
    await replace(api(PATHS, { servers: [{ url: `${server.url}/v2` }] }));
    await until("it is taken", () => mount.server.endsWith("/v2"));
    await registry.run("getThing", { id: "1" });
    expect(server.seen[0]?.url).toBe("/v2/things/1");
    expect(registry.served).toHaveLength(1);
  });

  test("into none leaves the former one, and says why", async () => {
    const { registry, replace, log } = await mountApi();
    await replace("{ oops");
    const refusal = (): string | undefined => log.find(({ event }) => event === "change_refused")?.message;
    await until("it is refused", () => refusal() !== undefined);
    expect(refusal()).toMatch(/is not JSON as it must be.*The former operations stay registered/);
    expect(await registry.run("getThing", { id: "1" })).toEqual({});
    await replace(withMore("Mended."));
    await until("the next one is registered", () => registry.served.length === 2);
  });

  test("to another server does not take the credentials there", async () => {
    const other = await ApiServer.start();
    open.push(other);
    const { log, replace, registry } = await mountApi(undefined, { headers: { "X-Key": "env:KEY" } });
    await replace(api({ "/x": { get: { operationId: "x" } } }, { servers: [{ url: other.url }] }));
    await until("it is refused", () => log.some(({ event }) => event === "change_refused"));
    expect(log.at(-1)?.message).toContain(`the credentials are for ${server.url}`);
    await registry.run("getThing", { id: "1" });
    expect([server.seen.length, other.seen.length]).toEqual([1, 0]);
  });
});

describe("what is refused at the start leaves nothing behind", () => {
  test.each<[string, Partial<MountHttpOptions>, RegExp]>([
    ["a name that is none", { name: "X Y" }, /cannot be named/],
    ["a version that is none", { version: "1" }, /no semantic version/],
    ["a document that is not there", { document: "/no/such.yaml" }, /cannot be read: .*ENOENT/],
    [
      "operations that are not there",
      { only: ["gone*"] },
      /--only "gone\*" matches no operation. The document has: getThing/,
    ],
    ["a selector that is none", { skip: ["get /things"] }, /must be a tool's name, "METHOD \/path" or "tag:name"/],
    ["nothing that is left", { skip: ["*"] }, /no operation that becomes a tool/],
  ])("%s", async (_name, more, message) => {
    await expect(mountApi(undefined, more)).rejects.toMatchObject({
      reason: "INVALID_CONFIG",
      message: expect.stringMatching(message),
    });
  });

  test("a toolset that the registry refuses", async () => {
    const registry = new RecordingRegistry();
    registry.refuseWith = new ToolgateError("NOT_OWNER", "it is another's");
    await expect(mountApi(undefined, {}, registry)).rejects.toMatchObject({ reason: "NOT_OWNER" });
  });
});
