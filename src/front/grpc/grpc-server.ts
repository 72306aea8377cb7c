import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Http2Server } from "node:http2";
import type { Server as TlsServer } from "node:tls";
import { Server, type ServiceDefinition, type UntypedHandleCall } from "@grpc/grpc-js";
import type { AccessControl } from "../../access/access-control.js";
import { mostBytesOf, type RpcRule, rulesOf } from "../../access/rpc-rules.js";
import { isLoopback, joinAddress, splitAddress } from "../../config/address.js";
import type { Config } from "../../config/config.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { FairQuota } from "../../limits/fair-quota.js";
import type { Logger } from "../../observe/logger.js";
import { EncodeOnce } from "../../protocol/encoded-message.js";
import { loadProtocol } from "../../protocol/load.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import { type Listening, listenOn } from "../listening/listen-address.js";
import type { Listeners } from "../listening/listeners.js";
import type { Trust } from "../listening/tls-files.js";
import { type AnyMethod, type Service, serviceName } from "../services/methods.js";
import { nodeDraining } from "../services/node-draining.js";
import { Rechecks } from "../services/rechecks.js";
import { CallCredentials } from "./call-credentials.js";
import { Connections, PREFACE_WITHIN_MS } from "./connections.js";
import { innerCall } from "./grpc-call.js";
import { HealthService } from "./health-service.js";
import { holdCalls } from "./hold-calls.js";
import { InflateTurns } from "./inflate-turns.js";
import { reflectionServices } from "./reflection.js";
import { serveBidi } from "./serve-bidi.js";
import type { ServerState } from "./server-call.js";
import { serverCredentials } from "./server-credentials.js";
import { serveStream } from "./server-stream.js";
import { serveUnary } from "./unary-call.js";

const LISTEN_SETTING = "TOOLGATE_LISTEN (--listen)";
/** How often an idle connection is asked for a sign of life, and how long it may take, in milliseconds. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** What the last statuses get to reach their callers once the grace is over, in milliseconds. */
const FAREWELL_MS = 250;
/** How long peers may take to close their connections once they were sent all, in milliseconds. */
const HANG_UP_MS = 1_000;
/** How long destroyed connections may take to be gone, in milliseconds. */
const DESTROY_MS = 1_000;

export interface GrpcServerOptions {
  readonly config: Pick<
    Config,
    | "listen"
    | "maxStreamsPerConnection"
    | "maxMessageBytes"
    | "maxSessions"
    | "maxSessionsPerPeer"
    | "maxSessionsPerHost"
    | "readTimeoutMs"
  >;
  /** The bounds and the TLS of all of the node's listeners; started before this server is, and stopped after it. */
  readonly listeners: Listeners;
  readonly log: Logger;
  readonly services: readonly Service[];
  /** Whether these are all services that there are: then each rule of who may ask what must have its RPC. */
  readonly whole?: boolean;
  /** Who callers are, and what they may do. */
  readonly access: AccessControl;
  /** Hears of each call that fails, before its peer does. */
  readonly onFailure?: ServerState["onFailure"];
  /** Makes the ids that tie an answer to a log line; random unless said. */
  readonly newId?: () => string;
  /** How long a connection may take to say that it speaks HTTP/2, in milliseconds; ten seconds unless said. */
  readonly prefaceWithinMs?: number;
}

/**
 * The gRPC side of a node. It answers with its services, `grpc.health.v1` and reflection, and ends in this order, which is
 * written here and nowhere else:
 *
 * 1. `beginDrain`: health says NOT_SERVING, so that balancers look elsewhere; new sessions are refused with NODE_DRAINING;
 *    sessions hear `stream.draining`, to tell their peers to move. Everything else is served as before.
 * 2. `stop`: streams of answers end with NODE_DRAINING, for their readers can resume anywhere. The port closes, connections
 *    that have not said that they speak HTTP/2 are closed, and the others get a GOAWAY, after which clients send new calls
 *    elsewhere. Calls under way are waited for, until the last byte of their answers has left this process; then a connection is
 *    ended from this side.
 * 3. When the grace is over, whatever is still open ends with NODE_DRAINING.
 * 4. What does not even take that is cut. Ended connections are their peers' to close, for a second: closed from here at once, they
 *    could lose what is on its way. The rest of them is closed then.
 *
 * gRPC's own shutdown is only what sends the GOAWAY: since Node 24 its end says nothing, for there `Http2Server.close` closes the
 * sessions, and grpc-js waits for none that something else has closed.
 */
export interface GrpcServer {
  /**
   * Listens. Nothing is said to serve yet: see `setServing`.
   *
   * @returns the address that it listens on, with the port that the system chose where that was 0
   * @throws ToolgateError INVALID_CONFIG when the address cannot be used
   */
  start(): Promise<{ readonly address: string }>;
  /** Says by health whether a service (`toolgate.v1.Gateway`) serves, or all of them. Ignored once draining. */
  setServing(service: string | "all", serving: boolean): void;
  /** How many connections are open. */
  readonly connections: number;
  /** How many bidirectional streams are open. */
  readonly sessions: number;
  /** How many bytes are held of what peers have not sent whole, or not read. */
  readonly heldBytes: number;
  /** Step 1. Idempotent. */
  beginDrain(): void;
  /** Steps 1 to 4; resolves when every connection is gone. Idempotent: the first call's grace holds. */
  stop(graceMs: number): Promise<void>;
}

/** Prepares a server; `start` makes it listen. A server is started and stopped once. */
export function createGrpcServer(options: GrpcServerOptions): GrpcServer {
  const { config, log, access, newId = randomUUID } = options;
  const { held, tls } = options.listeners;
  const draining = new AbortController();
  setMaxListeners(0, draining.signal); // one per session
  const state: ServerState = {
    log,
    access,
    credentialsOf: (call) => credentials.of(call, innerCall(call).stream),
    newId,
    onFailure: options.onFailure,
    open: new Set(),
    sessions: {
      quota: new FairQuota(config.maxSessions, config.maxSessionsPerHost),
      byConnection: new Map(),
      maxPerConnection: config.maxSessionsPerPeer,
    },
    readWithinMs: config.readTimeoutMs,
    draining: draining.signal,
  };
  const listensTo = splitAddress(config.listen)?.host ?? "";
  const credentials = new CallCredentials({
    certificateOf: (session) => connections.certificateOf(session),
    // Whoever reads along on the way can do what the caller can.
    inClear: !tls.on && !isLoopback(listensTo),
    log,
  });
  const inflating = new InflateTurns(config.maxMessageBytes);
  const connections = new Connections({
    held,
    quota: options.listeners.connections,
    prefaceWithinMs: options.prefaceWithinMs ?? PREFACE_WITHIN_MS,
  });
  const server = new Server({
    "grpc.max_concurrent_streams": config.maxStreamsPerConnection,
    "grpc.max_receive_message_length": config.maxMessageBytes,
    "grpc.max_send_message_length": config.maxMessageBytes,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its counters are kept for each message, and cannot be asked for here.
    "grpc.enable_channelz": 0,
    interceptors: [
      holdCalls({ connections, inflating, maxMessageBytes: (path) => maxBytes.get(path) ?? config.maxMessageBytes }),
    ],
  });
  const names = options.services.map(({ definition }) => serviceName(definition));
  const health = new HealthService(names);
  const own = [...options.services, health.service];
  const shown = own.map(({ definition }) => serviceName(definition));
  const served = [...own, ...reflectionServices(shown)];
  const rules = rulesOf(
    served.flatMap(({ definition }) => Object.values(definition).map(({ path }) => path)),
    options.whole,
  );
  const maxBytes = new Map(
    [...rules].map(([path, rule]) => [path, Math.min(config.maxMessageBytes, mostBytesOf(rule))]),
  );
  for (const service of served) addService(server, service, state, rules);

  const rechecks = new Rechecks(access, state.open);
  let listening: Listening | undefined;
  let starting: Promise<{ readonly address: string }> | undefined;
  let stopping: Promise<void> | undefined;

  return {
    start() {
      starting ??= listen();
      return starting;
    },
    setServing: (service, serving) => health.set(service, serving),
    get connections() {
      return connections.count;
    },
    get sessions() {
      return state.sessions.quota.count;
    },
    get heldBytes() {
      return held.bytes;
    },
    beginDrain,
    stop(graceMs) {
      stopping ??= end(graceMs);
      return stopping;
    },
  };

  async function listen(): Promise<{ readonly address: string }> {
    const injector = server.createConnectionInjector(serverCredentials(tls));
    const http2 = http2Of(server);
    http2.on("session", (session) => connections.begin(session));
    credentials.listenTo(http2, access);
    tls.onChange((_context, trust) => endUntrusted(trust));
    tls.guard(http2 as unknown as TlsServer); // which it is where there are files
    // Connections are taken here, and not by grpc-js, which takes any number of them.
    listening = await listenOn(config.listen, LISTEN_SETTING, (socket) => {
      if (connections.accept(socket)) injector.injectConnection(socket);
    });
    rechecks.start();
    const { port } = listening;
    const host = splitAddress(config.listen)?.host ?? config.listen;
    return { address: joinAddress(host, port) };
  }

  /** Who was let in by a certificate that the files of now refuse is put out; those that hold notice nothing. */
  function endUntrusted(trust: Trust | undefined): void {
    const closed = trust === undefined ? 0 : connections.destroyUnlessHeld(trust);
    if (closed > 0) log.info({ event: "tls_clients_closed", listener: "grpc", connections: closed });
  }

  function beginDrain(): void {
    if (draining.signal.aborted) return;
    health.close();
    draining.abort(nodeDraining("no"));
  }

  async function end(graceMs: number): Promise<void> {
    await starting?.catch(() => {}); // the caller of start has the error
    beginDrain();
    listening?.close();
    for (const call of [...state.open]) call.leave();
    connections.destroySilent();
    const finished = connections.finished();
    const closed = connections.closed();
    server.tryShutdown(() => {});
    if (!(await within(finished, graceMs))) {
      log.warn({ event: "drain_overran", graceMs, openCalls: state.open.size });
      for (const call of [...state.open]) call.terminate(nodeDraining("unknown"));
      await within(finished, FAREWELL_MS);
      connections.destroyUnfinished();
    }
    if (!(await within(closed, HANG_UP_MS))) {
      connections.destroyAll();
      await within(closed, DESTROY_MS);
    }
    rechecks.stop();
  }
}

/** Whether a promise settled in time. */
async function within(promise: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The HTTP/2 server of the injector, the only one of this server; grpc-js 1.14 keeps it to itself. */
function http2Of(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<Http2Server, unknown> };
  const [only] = http2Servers.keys();
  if (only === undefined) throw new ToolgateError("INTERNAL", "gRPC's library holds its server elsewhere than it did.");
  return only;
}

function addService(
  server: Server,
  { definition, methods }: Service,
  state: ServerState,
  rules: ReadonlyMap<string, RpcRule>,
): void {
  const handlers: Record<string, UntypedHandleCall> = {};
  for (const [name, { path, requestStream, responseStream }] of Object.entries(definition)) {
    const method = methods[name];
    const kind = requestStream ? (responseStream ? "bidi" : "clientStream") : responseStream ? "serverStream" : "unary";
    if (method?.kind !== kind) {
      throw new ToolgateError("INTERNAL", `${path} is ${kind}, and its method is ${method?.kind ?? "missing"}.`);
    }
    const rule = rules.get(path);
    if (rule === undefined) throw new ToolgateError("INTERNAL", `${path} has no rule of who may ask it`);
    handlers[name] = serve(
      encodingOnce(method, definition[name]),
      state,
      rule,
      loadProtocol().unknownEnums.checkOfMethod(path),
    );
  }
  server.addService(definition, handlers);
}

/** The method, with the answers that calls share encoded for the first of them: see `EncodeOnce`. */
function encodingOnce(method: AnyMethod, definition: ServiceDefinition[string] | undefined): AnyMethod {
  if (definition === undefined || method.kind === "bidi" || !method.sharesAnswers) return method;
  const once = new EncodeOnce<object>(definition.responseSerialize);
  if (method.kind === "unary") {
    const { handler } = method;
    return { ...method, handler: async (request, context) => once.of((await handler(request, context)) as object) };
  }
  const { handler } = method;
  return {
    ...method,
    async *handler(request, context) {
      for await (const message of handler(request, context)) yield once.of(message as object);
    },
  };
}

function serve(
  method: AnyMethod,
  state: ServerState,
  rule: RpcRule,
  check: RequestCheck | undefined,
): UntypedHandleCall {
  switch (method.kind) {
    case "unary":
      return serveUnary(method, state, rule, check);
    case "serverStream":
      return serveStream(method, state, rule, check);
    case "bidi":
      return serveBidi(method, state, rule, check);
    default:
      return method satisfies never;
  }
}
