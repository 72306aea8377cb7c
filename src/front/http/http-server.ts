import { setMaxListeners } from "node:events";
import type { RequestListener, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { FastifyInstance } from "fastify";
import type { AccessControl } from "../../access/access-control.js";
import { joinAddress, splitAddress } from "../../config/address.js";
import type { Config } from "../../config/config.js";
import { HTTP_AUTO, HTTP_AUTO_ADDRESS, HTTP_OFF } from "../../config/http-listen.js";
import type { Logger } from "../../observe/logger.js";
import { type Listening, listenOn } from "../listening/listen-address.js";
import type { Listeners } from "../listening/listeners.js";
import type { Trust } from "../listening/tls-files.js";
import { createWebServer } from "../listening/web-server.js";
import type { NodeHealth } from "../ops/node-health.js";
import type { OpenCall } from "../services/call-context.js";
import type { Service } from "../services/methods.js";
import { nodeDraining } from "../services/node-draining.js";
import { Rechecks } from "../services/rechecks.js";
import type { ServedState } from "../services/served-call.js";
import type { AnsweredListener } from "./http-app.js";
import { HttpConnections } from "./http-connections.js";
import type { Route } from "./route.js";

const LISTEN_SETTING = "TOOLGATE_HTTP_LISTEN (--http-listen)";
/** How large a request's line and headers may be in all, in bytes. */
const MAX_HEADER_BYTES = 16_384;
/** How long the headers of a request may take to arrive, and a TLS handshake, in milliseconds at most. */
const HEADERS_WITHIN_MS = 10_000;
/** How long a connection may be silent between two requests, in milliseconds. */
const KEEP_ALIVE_MS = 60_000;
/** How often it is looked at which requests are late, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** What the last answers get to reach their callers once the grace is over, in milliseconds. */
const FAREWELL_MS = 250;

export interface HttpServerOptions {
  readonly config: Pick<
    Config,
    "httpListen" | "httpHosts" | "httpOrigins" | "advertise" | "maxMessageBytes" | "messageTimeoutMs"
  >;
  /** The bounds and the TLS of all of the node's listeners; started before this server is, and stopped after it. */
  readonly listeners: Listeners;
  readonly log: Logger;
  /** The services whose methods the routes ask: those of gRPC. */
  readonly services: readonly Service[];
  readonly access: AccessControl;
  /** Hears of each call that fails, before its caller does. */
  readonly onFailure?: ServedState["onFailure"];
  /** Hears of each request that was answered. */
  readonly onAnswered?: AnsweredListener;
  readonly health: () => Promise<NodeHealth>;
  /** Makes the ids that tie an answer to a log line. */
  readonly newId: () => string;
  /** Where `auto` listens; its own address unless said. */
  readonly autoAddress?: string;
  /** The routes; all of the REST interface unless said. */
  readonly routes?: readonly Route[];
  /** Loads the routes of what else is served here. */
  readonly moreRoutes?: () => Promise<readonly Route[]>;
}

/**
 * The HTTP side of a node. It takes connections from `start` on; what answers them is loaded with the first one, so that a node of which
 * nobody asks anything by HTTP has no more of it than a port.
 *
 * It ends as the gRPC server does, and in this order:
 *
 * 1. `beginDrain`: `/readyz` says so; answers close their connections, so that clients come again elsewhere.
 * 2. `stop`: streams of events end with NODE_DRAINING, for their readers can resume anywhere. The port closes, and connections without a
 *    request. Requests under way are waited for.
 * 3. When the grace is over, whatever is still open ends with NODE_DRAINING; what does not even take that is cut.
 */
export interface HttpServer {
  /**
   * Listens.
   *
   * @returns the address; undefined where HTTP is off, or was not asked for and its port is taken
   * @throws ToolgateError INVALID_CONFIG when the address cannot be used
   */
  start(): Promise<string | undefined>;
  /** How many connections are open. */
  readonly connections: number;
  /** How many streams of events are open on them. */
  readonly streams: number;
  /** Idempotent. */
  beginDrain(): void;
  /** Resolves when every connection is gone. Idempotent: the first call's grace holds. */
  stop(graceMs: number): Promise<void>;
}

/** Prepares a server; it is started and stopped once. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { config, log, access } = options;
  const { held, tls } = options.listeners;
  const draining = new AbortController();
  setMaxListeners(0, draining.signal);
  const open = new Set<OpenCall>();
  const state: ServedState = { log, access, newId: options.newId, onFailure: options.onFailure, open };
  const connections = new HttpConnections({ held, quota: options.listeners.connections });
  const rechecks = new Rechecks(access, open);
  const isAuto = config.httpListen === HTTP_AUTO;
  const address = isAuto ? (options.autoAddress ?? HTTP_AUTO_ADDRESS) : config.httpListen;
  let listening: Listening | undefined;
  let server: Server | TlsServer | undefined;
  let loading: Promise<FastifyInstance> | undefined;
  let stopping: Promise<void> | undefined;

  return {
    async start() {
      if (config.httpListen === HTTP_OFF) return undefined;
      try {
        listening = await listenOn(address, LISTEN_SETTING, (socket) => accept(socket));
      } catch (error) {
        if (!isAuto) throw error;
        log.info({ event: "http_not_served", address, error });
        return undefined;
      }
      tls.onChange((_context, trust) => endUntrusted(trust));
      rechecks.start();
      return joinAddress(splitAddress(address)?.host ?? address, listening.port);
    },
    get connections() {
      return connections.size;
    },
    get streams() {
      return connections.streams;
    },
    beginDrain,
    stop(graceMs) {
      stopping ??= end(graceMs);
      return stopping;
    },
  };

  function accept(socket: Socket): void {
    if (!connections.accept(socket)) return;
    if (server !== undefined) {
      server.emit("connection", socket);
      return;
    }
    loading ??= load();
    loading.then(
      () => server?.emit("connection", socket),
      () => socket.destroy(), // said where it failed
    );
  }

  /** Loads what answers requests. */
  async function load(): Promise<FastifyInstance> {
    try {
      const [{ createHttpApp, answerUnreadable }, { RequestGuard }, { knownRpcs }, routes, more] = await Promise.all([
        import("./http-app.js"),
        import("./request-guard.js"),
        import("./rpcs.js"),
        options.routes ?? import("./routes.js").then(({ ROUTES }) => ROUTES),
        options.moreRoutes?.() ?? [],
      ]);
      return await createHttpApp({
        routes: [...routes, ...more],
        rpcs: knownRpcs(options.services),
        state,
        guard: new RequestGuard({ hosts: namesOf(config), origins: listOf(config.httpOrigins) }),
        connections,
        node: { health: options.health, asksWho: () => access.required },
        maxBodyBytes: config.maxMessageBytes,
        onAnswered: options.onAnswered,
        draining: draining.signal,
        server(listener) {
          const made = serverOf(listener);
          made.on("clientError", answerUnreadable);
          made.on("checkExpectation", listener); // which refuses it as a problem
          // What counts the time of requests begins with this; nothing is listened on here.
          made.emit("listening");
          server = made;
          return made;
        },
      });
    } catch (error) {
      log.error({ event: "http_failed", error });
      throw error;
    }
  }

  function serverOf(listener: RequestListener): Server | TlsServer {
    const limits = {
      maxHeaderSize: MAX_HEADER_BYTES,
      requireHostHeader: false, // it is, by `RequestGuard`, which says so as a problem
      headersTimeout: Math.min(HEADERS_WITHIN_MS, config.messageTimeoutMs),
      requestTimeout: config.messageTimeoutMs,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: Math.min(LOOK_EVERY_MS, Math.ceil(config.messageTimeoutMs / 4)),
    };
    const made = createWebServer(limits, tls.on ? tls : undefined, listener);
    made.on("secureConnection", (socket: TLSSocket) => connections.secured(socket));
    // Headers are bounded in bytes, and counted by `RequestGuard`: of more than a number of them, Node would only drop the rest.
    made.maxHeadersCount = 0;
    return made;
  }

  /** Who was let in by a certificate that the files of now refuse is put out; those that hold notice nothing. */
  function endUntrusted(trust: Trust | undefined): void {
    const closed = trust === undefined ? 0 : connections.destroyUnlessHeld(trust);
    if (closed > 0) log.info({ event: "tls_clients_closed", listener: "http", connections: closed });
  }

  function beginDrain(): void {
    if (!draining.signal.aborted) draining.abort(nodeDraining("no"));
  }

  async function end(graceMs: number): Promise<void> {
    beginDrain();
    listening?.close();
    for (const call of [...open]) call.leave();
    connections.destroyIdle();
    const closed = connections.closed();
    if (!(await within(closed, graceMs))) {
      log.warn({ event: "http_drain_overran", graceMs, openCalls: open.size });
      for (const call of [...open]) call.terminate(nodeDraining("unknown"));
      await within(closed, FAREWELL_MS);
      connections.destroyAll();
      await closed;
    }
    rechecks.stop();
    await loading?.then(
      (app) => app.close(),
      () => {},
    );
    server?.close();
  }
}

/** What the node may be called by. */
function namesOf({ httpHosts, httpListen, advertise }: HttpServerOptions["config"]): string[] {
  const own = [httpListen, advertise].map((address) => splitAddress(address)?.host ?? "").filter((host) => host !== "");
  return [...listOf(httpHosts), ...own];
}

function listOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

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
