import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { status as grpcStatus } from "@grpc/grpc-js";
import type { AccessControl } from "../../access/access-control.js";
import { isLoopback, joinAddress, splitAddress } from "../../config/address.js";
import { type Config, DEFAULT_OPS_LISTEN } from "../../config/config.js";
import { ERROR_CODES } from "../../errors/codes.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Logger } from "../../observe/logger.js";
import { peerCertificate, type TlsFiles, type Trust } from "../listening/tls-files.js";
import { createWebServer } from "../listening/web-server.js";
import { OpsAccess } from "./ops-access.js";
import { type OpsAnswer, type OpsRouteParts, opsRoutes } from "./ops-routes.js";

const NAMES = "TOOLGATE_OPS_LISTEN (--ops-listen)";

/** Operators' tools are few, and strangers may reach the port: the most connections at once, and bytes of a request's head and body. */
const MOST_CONNECTIONS = 64;
const MOST_HEADER_BYTES = 16_384;
const MOST_BODY_BYTES = 1_024;
/** How long a request may take to come, its head first, in milliseconds; and a connection to ask anything again. */
const HEADERS_WITHIN_MS = 5_000;
const REQUEST_WITHIN_MS = 10_000;
const KEEP_ALIVE_MS = 75_000;
/** What is shorter is sent as it is, in bytes. */
const LEAST_GZIPPED = 1_024;

const gzipped = promisify(gzip);

export interface OpsServerOptions extends OpsRouteParts {
  readonly config: Pick<Config, "opsListen" | "opsAuth" | "opsTls">;
  /** The files of all of the node's listeners; read before this one starts. */
  readonly tls: TlsFiles;
  readonly access: AccessControl;
  /** Whether the registry has toolsets of tenants. */
  readonly hasTenants: () => boolean;
}

/**
 * The listener for a node's operators: metrics, health, log level, profiles. It is apart from what clients reach, and from the public
 * HTTP side: those that reach that learn no names here. It has ten routes without parameters, so it is Node's own HTTP server and needs
 * no framework; a node on which all else hangs can still be asked.
 */
export class OpsServer {
  readonly #options: OpsServerOptions;
  readonly #log: Logger;
  #server: Server | TlsServer | undefined;
  /** Its connections, of whatever is to come on them. */
  readonly #open = new Set<Socket>();
  /** Those on which a handshake of TLS has ended. */
  readonly #secured = new Set<TLSSocket>();
  readonly #stopping = new AbortController();
  readonly #host: string;
  readonly #access: OpsAccess;
  readonly #routes: ReturnType<typeof opsRoutes>;

  constructor(options: OpsServerOptions) {
    this.#options = options;
    this.#log = options.log;
    this.#host = splitAddress(options.config.opsListen)?.host ?? "";
    const { access, hasTenants, config } = options;
    this.#access = new OpsAccess({ access, hasTenants, mode: config.opsAuth, host: this.#host });
    this.#routes = opsRoutes(options);
  }

  /**
   * Listens. Where another process listens on the default address, as another node of this machine does, the system chooses a port.
   *
   * @returns the address
   * @throws ToolgateError INVALID_CONFIG when the address cannot be used
   */
  async start(): Promise<{ readonly address: string }> {
    const { opsListen } = this.#options.config;
    const port = splitAddress(opsListen)?.port ?? 0;
    const server = this.#create();
    this.#server = server;
    try {
      await this.#listen(server, port);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException; // what listening fails with
      if (code !== "EADDRINUSE" || opsListen !== DEFAULT_OPS_LISTEN) {
        throw new ToolgateError(
          "INVALID_CONFIG",
          `${NAMES}: cannot listen on ${opsListen} (${code}). Choose another address; port 0 lets the system choose, and "off" has none.`,
          { cause },
        );
      }
      await this.#listen(server, 0);
    }
    const address = joinAddress(this.#host, (server.address() as AddressInfo).port); // of a server that listens on a port
    this.#log.info({ event: "ops_listening", address });
    return { address };
  }

  #create(): Server | TlsServer {
    const { config, tls } = this.#options;
    const limits = {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: HEADERS_WITHIN_MS,
      requestTimeout: REQUEST_WITHIN_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1_000,
    };
    const server = createWebServer(
      limits,
      config.opsTls === "on" ? tls : undefined,
      (request, response) => void this.#serve(request, response),
    );
    server.maxConnections = MOST_CONNECTIONS;
    server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      this.#secured.add(socket);
      socket.once("close", () => this.#secured.delete(socket));
    });
    if (config.opsTls === "on") tls.onChange((_context, trust) => this.#endUntrusted(trust));
    return server;
  }

  /** Who was let in by a certificate that the files of now refuse is put out. */
  #endUntrusted(trust: Trust | undefined): void {
    if (trust === undefined) return;
    const ended = [...this.#secured].filter((socket) => {
      const certificate = peerCertificate(socket);
      return certificate !== undefined && !trust(certificate);
    });
    for (const socket of ended) socket.destroy();
    if (ended.length > 0) this.#log.info({ event: "tls_clients_closed", listener: "ops", connections: ended.length });
  }

  async #listen(server: Server | TlsServer, port: number): Promise<void> {
    server.listen({ host: this.#host, port, exclusive: true });
    await once(server, "listening");
  }

  /** Ends it, and what is being answered. Idempotent. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server?.listening !== true) return;
    this.#stopping.abort();
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#open) socket.destroy(); // those in a handshake, too, which Node would wait for
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      await send(request, response, await this.#answer(request, AbortSignal.any([gone.signal, this.#stopping.signal])));
    } catch (error) {
      if (!gone.signal.aborted && !response.headersSent) await send(request, response, this.#failure(error));
      else response.destroy();
    }
  }

  async #answer(request: IncomingMessage, signal: AbortSignal): Promise<OpsAnswer> {
    const { method = "", url = "/", headers } = request;
    this.#refuseBrowsers(request);
    const [path = "", query = ""] = url.split("?", 2);
    const route = this.#routes.get(`${method === "HEAD" ? "GET" : method} ${path}`);
    if (route === undefined)
      return { status: 404, type: "text/plain; charset=utf-8", body: "there is no such route\n" };
    const credentials = {
      authorization: authorizationOf(request),
      certificate: peerCertificate(request.socket)?.raw,
      peer: joinAddress(request.socket.remoteAddress ?? "", request.socket.remotePort ?? 0),
    };
    await this.#access.require(route.needs, credentials);
    const body = await bodyOf(request);
    return route.handle({
      ...{ query: new URLSearchParams(query), headers, body, signal },
      allows: (need) => this.#access.allows(need, credentials),
    });
  }

  /**
   * A page that somebody on this machine opens must not reach the listener: not by naming it, and not by a name of its own that it has
   * resolve to a loopback address.
   *
   * @throws ToolgateError FORBIDDEN
   */
  #refuseBrowsers({ headers }: IncomingMessage): void {
    if (headers.origin !== undefined) throw new ToolgateError("FORBIDDEN", "web pages may not ask this");
    if (!isLoopback(this.#host)) return; // credentials decide, which a page does not have
    const { host = "" } = headers;
    if (!isLoopback(splitAddress(host)?.host ?? host.replace(/^\[(.*)\]$/, "$1")))
      throw new ToolgateError("FORBIDDEN", "the Host header must name this machine, as in localhost");
  }

  #failure(error: unknown): OpsAnswer {
    const { reason, message } = toToolgateError(error);
    if (reason === "INTERNAL") this.#log.error({ event: "ops_failed", error });
    const body = reason === "INTERNAL" ? "the node failed; its log says why" : message;
    return { status: httpStatusOf(ERROR_CODES[reason].status), type: "text/plain; charset=utf-8", body: `${body}\n` };
  }
}

/** @throws ToolgateError UNAUTHENTICATED where there is more than one header: others could take another one of them than this node */
function authorizationOf({ rawHeaders, headers }: IncomingMessage): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  if (names.filter((name) => name.toLowerCase() === "authorization").length > 1)
    throw new ToolgateError("UNAUTHENTICATED", "There is more than one authorization header.");
  return headers.authorization;
}

/** @throws ToolgateError INVALID_REQUEST */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MOST_BODY_BYTES)
      throw new ToolgateError("INVALID_REQUEST", `the body has more than ${MOST_BODY_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString();
}

async function send(request: IncomingMessage, response: ServerResponse, answer: OpsAnswer): Promise<void> {
  const { status, type, file } = answer;
  response.statusCode = status;
  response.setHeader("content-type", type);
  response.setHeader("cache-control", "no-store");
  response.setHeader("content-security-policy", "default-src 'none'; frame-ancestors 'none'");
  response.setHeader("x-content-type-options", "nosniff");
  if (status === 401) response.setHeader("www-authenticate", "Bearer");
  if (status === 413 || !request.complete) response.setHeader("connection", "close");
  if (file !== undefined) response.setHeader("content-disposition", `attachment; filename="${file}"`);
  if (answer.body instanceof Readable) {
    await pipeline(answer.body, response);
    return;
  }
  let body = Buffer.from(answer.body);
  if (body.length >= LEAST_GZIPPED && acceptsGzip(request.headers["accept-encoding"])) {
    // In another thread, and a scrape is a twentieth as long then.
    body = await gzipped(body, { level: 1 });
    response.setHeader("content-encoding", "gzip");
  }
  response.setHeader("vary", "accept, accept-encoding");
  response.setHeader("content-length", body.length);
  response.end(request.method === "HEAD" ? undefined : body);
}

const acceptsGzip = (header: string | string[] | undefined): boolean =>
  /(^|,)\s*gzip\s*(;\s*q=(?!0(\.0*)?\s*(,|$))|,|$)/i.test(String(header ?? ""));

function httpStatusOf(status: number): number {
  switch (status) {
    case grpcStatus.UNAUTHENTICATED:
      return 401;
    case grpcStatus.PERMISSION_DENIED:
      return 403;
    case grpcStatus.INVALID_ARGUMENT:
      return 400;
    case grpcStatus.RESOURCE_EXHAUSTED:
      return 429;
    case grpcStatus.UNAVAILABLE:
      return 503;
    default:
      return 500;
  }
}
