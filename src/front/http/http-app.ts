import type { RequestListener, Server } from "node:http";
import type { Socket } from "node:net";
import { Ajv, type ErrorObject } from "ajv";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type HTTPMethods } from "fastify";
import { mostBytesOf } from "../../access/rpc-rules.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { isJson } from "../../json/is-json.js";
import { parseJson } from "../../json/parse-json.js";
import { RawJson, stringifyJson } from "../../json/raw-json.js";
import type { HeldForStream } from "../listening/held-bytes.js";
import type { ServedState } from "../services/served-call.js";
import { AnswerWriter, SECURITY_HEADERS } from "./answer-writer.js";
import type { HttpConnections } from "./http-connections.js";
import { documentedPath } from "./openapi.js";
import { PROBLEM_TYPE, problemOf, RequestFailure } from "./problem.js";
import { RequestAsk, ruleOf } from "./request-ask.js";
import { readBody } from "./request-body.js";
import { requestFaults } from "./request-faults.js";
import type { RequestGuard } from "./request-guard.js";
import { type Answer, type HealthRpc, isOptional, type Route, type RouteNode } from "./route.js";
import type { KnownRpc } from "./rpcs.js";

/** How many requests of one connection may be under way: a peer may send more before the first is answered. */
const MAX_PIPELINED = 16;
/** The longest parameter of a path: a tenant and a toolset, percent-encoded. */
const MAX_PARAMETER = 1_024;

export interface HttpAppParts {
  readonly routes: readonly Route[];
  readonly rpcs: ReadonlyMap<string, KnownRpc>;
  readonly state: ServedState;
  readonly guard: RequestGuard;
  readonly connections: HttpConnections;
  readonly node: RouteNode;
  /** The largest body, in bytes. */
  readonly maxBodyBytes: number;
  /** Hears of each request that was answered, or whose caller has gone. */
  readonly onAnswered?: AnsweredListener | undefined;
  /** Aborted when the node begins to drain. */
  readonly draining: AbortSignal;
  /** The server that requests come by. */
  readonly server: (listener: RequestListener) => Server;
}

/**
 * Hears of an answer.
 *
 * @param method `other` where there is no route
 * @param route its path, as the served document has it; `other` where there is none
 * @param status what was answered; 499 where the caller went before
 */
export type AnsweredListener = (method: string, route: string, status: number) => void;

/** What is known of a request beside what fastify knows. */
interface Served {
  readonly writer: AnswerWriter;
  readonly held: HeldForStream | undefined;
  readonly ask: RequestAsk;
  body: Buffer;
}

/** A request on its way through the application. */
const SERVED = Symbol("what is known of a request");
type ServedRequest = FastifyRequest & { [SERVED]: Served };

const servedOf = (request: FastifyRequest): Served => (request as ServedRequest)[SERVED];

/**
 * The application: every route, by the rule of the RPC that it stands for.
 *
 * The way of a request: headers, host and origin ▸ who is it ▸ body ▸ schemas ▸ handler ▸ answer.
 *
 * @throws ToolgateError INTERNAL where a route stands for an RPC that has no rule
 */
export async function createHttpApp(parts: HttpAppParts): Promise<FastifyInstance> {
  checkRoutes(parts.routes, parts.rpcs);
  const app = fastify({
    serverFactory: (handler) => parts.server(handler as RequestListener),
    logger: false,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    bodyLimit: parts.maxBodyBytes,
    routerOptions: { maxParamLength: MAX_PARAMETER, ignoreTrailingSlash: false, caseSensitive: true },
    frameworkErrors: (error, request, reply) => {
      serve(parts, request, reply);
      refuse(request, reply, error);
    },
  });
  // What is written here is written by us; fastify would compile a serialiser for each answer.
  app.setSerializerCompiler(() => JSON.stringify);
  // The first fault of a body is enough: a hostile one has millions. Parameters are bounded with the headers.
  const strict = new Ajv({ strict: false, verbose: true });
  const coercing = new Ajv({ strict: false, verbose: true, allErrors: true, coerceTypes: true, useDefaults: true });
  app.setValidatorCompiler(({ schema, httpPart }) => (httpPart === "body" ? strict : coercing).compile(schema));
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    if (request.method === "OPTIONS") send(request, reply, { status: 204 });
    else refuse(request, reply, unknownRoute(request));
  });
  app.removeAllContentTypeParsers();
  // The body was read by then; see preParsing.
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.addHook("onRequest", (request, reply, done) => {
    try {
      const guard = serve(parts, request, reply);
      guard();
      done();
    } catch (error) {
      done(error as Error); // a ToolgateError
    }
  });
  for (const route of parts.routes) addRoute(app, parts, route);
  refuseOtherMethods(app, parts.routes);
  await app.ready();
  return app;
}

/** @throws ToolgateError INTERNAL */
export function checkRoutes(routes: readonly Route[], rpcs: ReadonlyMap<string, KnownRpc>): void {
  for (const route of routes) {
    const rule = ruleOf(pathOf(route, rpcs));
    if (isHealth(route.rpc) && rule.needs !== "nothing")
      throw new ToolgateError("INTERNAL", `${route.method} ${route.path} is for anybody, and its RPC is not`);
  }
}

/** The RPC that a route stands for, as rules name it. @throws ToolgateError INTERNAL */
function pathOf({ method, path, rpc }: Route, rpcs: ReadonlyMap<string, KnownRpc>): string {
  const asked = isHealth(rpc) ? `/${rpc}` : rpcs.get(rpc)?.path;
  if (asked === undefined) throw new ToolgateError("INTERNAL", `${method} ${path} stands for ${rpc}, which is no RPC`);
  return asked;
}

const isHealth = (rpc: Route["rpc"]): rpc is HealthRpc => rpc === "grpc.health.v1.Health/Check";

function addRoute(app: FastifyInstance, parts: HttpAppParts, route: Route): void {
  const { path, params, query, headers, body } = route;
  const maxBytes = Math.min(
    route.maxBodyBytes ?? parts.maxBodyBytes,
    parts.maxBodyBytes,
    mostBytesOf(ruleOf(pathOf(route, parts.rpcs))),
  );
  app.route({
    method: methodsOf(route),
    url: path,
    schema: {
      ...(params === undefined ? {} : { params }),
      querystring: query ?? NO_QUERY,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined || body === "raw" ? {} : { body }),
    },
    config: { documented: documentedPath(route) },
    attachValidation: false,
    // Before anything of the body is read.
    onRequest: async (request) => {
      if (!isHealth(route.rpc)) await servedOf(request).ask.admit(route.rpc);
    },
    // Every hook is a turn of the queue of promises, so that a route has only those that do something.
    ...(body === undefined
      ? {}
      : {
          preParsing: async (request) => {
            const served = servedOf(request);
            served.body = await readBody(request.raw, served.held, maxBytes);
          },
        }),
    ...(body === undefined || body === "raw"
      ? {}
      : {
          preValidation: async (request) => {
            const { body: bytes } = servedOf(request);
            request.body = bytes.length === 0 && isOptional(body) ? {} : readJson(bytes);
          },
        }),
    handler: async (request, reply) => {
      const { ask, body: bytes } = servedOf(request);
      const answer = await route.handle({
        params: request.params as never, // each as its schema has let it through
        query: request.query as never,
        headers: request.headers,
        body: bytes,
        json: request.body as never,
        ask,
        node: parts.node,
      });
      if ("events" in answer) await sendEvents(parts, request, reply, answer.events);
      else send(request, reply, answer);
    },
  });
}

/** The methods that a route is asked by: what answers GET answers HEAD, without the body; a stream of events has no other answer. */
function methodsOf({ method, answers }: Route): HTTPMethods[] {
  const isStream = answers[200]?.contentType === "text/event-stream";
  return method === "GET" && !isStream ? ["GET", "HEAD"] : [method];
}

/** Methods that a path without a route for them is asked by in vain. OPTIONS is answered everywhere. */
const METHODS: readonly HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/** Has each path say by which methods it is asked, where it is asked by another one. */
function refuseOtherMethods(app: FastifyInstance, routes: readonly Route[]): void {
  const methods = new Map<string, Set<HTTPMethods>>();
  for (const route of routes)
    methods.set(route.path, new Set([...(methods.get(route.path) ?? []), ...methodsOf(route)]));
  for (const [path, known] of methods) {
    const allow = [...known].join(", ");
    app.route({
      method: METHODS.filter((method) => !known.has(method)),
      url: path,
      // Before anything of the body is read; the request goes no further.
      onRequest: (request, reply) => {
        // `sum:drop` is no name but a name with a verb, and another path than `sum`.
        const isOtherPath = !path.includes("::") && /:[^/]*$/.test(pathOfUrl(request.url));
        if (isOtherPath) refuse(request, reply, unknownRoute(request));
        else refuse(request, reply, methodNotAllowed(request, allow), { allow });
      },
      handler: () => {},
    });
  }
}

const NO_QUERY = { type: "object", additionalProperties: false } as const;

function readJson(bytes: Buffer): unknown {
  if (!isJson(bytes)) throw new ToolgateError("MALFORMED_JSON", "The body is not one JSON value in UTF-8.");
  return parseJson(bytes.toString("utf8"), "number");
}

/** A request begins: what is counted and known of it is made; the result checks it. */
function serve(parts: HttpAppParts, request: FastifyRequest, reply: FastifyReply): () => void {
  const { raw } = request;
  const response = reply.raw;
  const connection = parts.connections.of(raw.socket);
  let headers: Readonly<Record<string, string>> = {};
  let fault: unknown;
  try {
    headers = parts.guard.check(raw);
    if (connection !== undefined && connection.requests >= MAX_PIPELINED)
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `The connection has ${MAX_PIPELINED} requests that are not answered yet.`,
        {
          retryAfterMs: 1_000,
        },
      );
  } catch (error) {
    fault = error;
  }
  const ask = new RequestAsk(parts, raw, response);
  const held = connection?.held.open({
    messages: "many",
    hasSentAll: () => raw.complete,
    end: (why) => ask.end(why),
  });
  if (connection !== undefined) connection.requests++;
  response.once("close", () => {
    held?.leave();
    if (connection !== undefined) connection.requests--;
    ask.close();
    parts.onAnswered?.(...routeOf(request), response.headersSent ? response.statusCode : CALLER_WENT);
    if (parts.draining.aborted) raw.socket.destroySoon();
  });
  const closing = parts.draining.aborted || fault !== undefined ? { connection: "close" } : {};
  const writer = new AnswerWriter(response, held, { ...headers, ...closing });
  ask.answerBy(writer);
  (request as ServedRequest)[SERVED] = { writer, held, ask, body: Buffer.alloc(0) };
  return () => {
    if (fault !== undefined) throw fault;
  };
}

/** The status of the error table for a caller that went. */
const CALLER_WENT = ERROR_CODES.CANCELLED.http;

/** The method and the path of a request's route. What is no route is one word: callers make up paths. */
function routeOf(request: FastifyRequest): [method: string, route: string] {
  const { documented } = (request.routeOptions?.config ?? {}) as { readonly documented?: string }; // see addRoute
  return documented === undefined ? ["other", "other"] : [request.method, documented];
}

function send(request: FastifyRequest, reply: FastifyReply, answer: Extract<Answer, { status: number }>): void {
  const { status, headers = {}, body, contentType = "application/json" } = answer;
  reply.hijack();
  void servedOf(request).writer.whole(status, headers, contentType, bytesOf(body));
}

/** A body as it is sent; what came as JSON goes as it came. */
function bytesOf(body: unknown): Buffer | undefined {
  if (body instanceof RawJson) return body.bytes;
  const text = body === undefined ? undefined : stringifyJson(body);
  return text === undefined ? undefined : Buffer.from(text);
}

async function sendEvents(
  { connections }: HttpAppParts,
  request: FastifyRequest,
  reply: FastifyReply,
  events: Extract<Answer, { events: unknown }>["events"],
): Promise<void> {
  const { writer } = servedOf(request);
  // A stream that is refused is refused by a status: so its first event is waited for.
  const iterator = events[Symbol.asyncIterator]();
  const pending = iterator.next();
  const first = await Promise.race([pending, soon()]);
  reply.hijack();
  connections.beginStream(reply.raw);
  writer.beginEvents();
  try {
    let step = first ?? (await pending);
    while (!step.done && !writer.gone) {
      const { id, event, data } = step.value;
      await writer.event(id, event, stringifyJson(data) ?? "null");
      step = await iterator.next();
    }
  } catch (error) {
    const { body } = problemFor(error);
    await writer.event(undefined, "problem", stringifyJson(body) ?? "null");
  } finally {
    writer.endEvents();
    await iterator.return?.();
  }
}

/** How long the first event of a stream may take before its answer begins without it, in milliseconds. */
const FIRST_EVENT_WITHIN_MS = 100;

function soon(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), FIRST_EVENT_WITHIN_MS).unref();
  });
}

/** @param more headers of the answer */
function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  error: unknown,
  more: Readonly<Record<string, string>> = {},
): void {
  reply.hijack();
  const served = (request as Partial<ServedRequest>)[SERVED];
  if (served === undefined || served.writer.begun) {
    reply.raw.destroy();
    return;
  }
  const { status, headers, body } = problemFor(error);
  // What is left of a body that was not read would be taken for the next request.
  const unread = request.raw.complete ? {} : { connection: "close" };
  void served.writer.whole(status, { ...headers, ...unread, ...more }, PROBLEM_TYPE, Buffer.from(JSON.stringify(body)));
}

function problemFor(error: unknown): ReturnType<typeof problemOf> {
  if (error instanceof RequestFailure) return problemOf(error.failure.error, error.failure.correlationId);
  return problemOf(error instanceof ToolgateError ? error : (ofFastify(error) ?? error));
}

/** What fastify refuses by itself. */
function ofFastify(error: unknown): ToolgateError | undefined {
  const { code, validation, validationContext } = error as {
    readonly code?: string;
    readonly validation?: readonly ErrorObject[];
    readonly validationContext?: string;
  };
  if (validation !== undefined) {
    const violations = requestFaults(validationContext ?? "", validation);
    const [first] = violations;
    const detail = first === undefined ? "The request is malformed." : `${first.field} ${first.description}`;
    return new ToolgateError("INVALID_REQUEST", detail, { violations });
  }
  switch (code) {
    case "FST_ERR_BAD_URL":
    case "FST_ERR_MAX_PARAM_LENGTH":
      return new ToolgateError("INVALID_REQUEST", "The path is malformed, or a part of it is too long.");
    case "FST_ERR_CTP_BODY_TOO_LARGE":
    case "FST_ERR_CTP_INVALID_CONTENT_LENGTH":
      return new ToolgateError("MESSAGE_TOO_LARGE", "The body is larger than this node takes.");
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
    case "FST_ERR_CTP_INVALID_TYPE":
      return new ToolgateError("UNSUPPORTED_MEDIA_TYPE", "The body must be JSON.");
    default:
      return undefined;
  }
}

function unknownRoute({ method, url }: { readonly method: string; readonly url: string }): ToolgateError {
  return new ToolgateError("UNKNOWN_ROUTE", `There is no ${method} ${shown(url)}. /v1/openapi.json has all routes.`);
}

function methodNotAllowed({ method, url }: { readonly method: string; readonly url: string }, allow: string) {
  return new ToolgateError("METHOD_NOT_ALLOWED", `${shown(url)} is not asked by ${method}, but by ${allow}.`);
}

const pathOfUrl = (url: string): string => url.split("?")[0] ?? "";
const shown = (url: string): string => JSON.stringify(pathOfUrl(url).slice(0, 128));

/** A request that cannot even be read, as Node tells it, is answered here. */
export function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, body } = problemOf(ofParser(error.code));
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? "Bad Request"}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(text)}`,
    "connection: close",
    ...Object.entries(SECURITY_HEADERS).map(([name, value]) => `${name}: ${value}`),
  ].join("\r\n");
  socket.end(`${head}\r\n\r\n${text}`);
  socket.destroySoon();
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

function ofParser(code: string | undefined): ToolgateError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new ToolgateError("HEADERS_TOO_LARGE", "The headers of the request are larger than this node takes.");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new ToolgateError("REQUEST_TIMEOUT", "The request did not arrive whole in time.");
    default:
      return new ToolgateError("INVALID_REQUEST", "The request is not HTTP/1.1 as this node reads it.");
  }
}
