import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { AccessControl } from "../../../src/access/access-control.js";
import { OPEN } from "../../../src/access/open-access.js";
import { parseConfig } from "../../../src/config/config.js";
import type { Flags } from "../../../src/config/settings.js";
import { createHttpServer, type HttpServer, type HttpServerOptions } from "../../../src/front/http/http-server.js";
import { openApiOf } from "../../../src/front/http/openapi.js";
import { ROUTES } from "../../../src/front/http/routes.js";
import { Listeners } from "../../../src/front/listening/listeners.js";
import type { NodeHealth } from "../../../src/front/ops/node-health.js";
import type { Methods } from "../../../src/front/services/methods.js";
import { createLogger } from "../../../src/observe/logger.js";
import type { GatewayHandlers } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import { loadProtocol } from "../../../src/protocol/load.js";
import { ServedAnswers, type ServedDocument } from "../../support/served-answers.js";
import { ECHO } from "../grpc/echo-server.js";

export interface HttpEcho {
  readonly server: HttpServer;
  /** `127.0.0.1:1234`. */
  readonly address: string;
  /** What was logged. */
  readonly lines: Record<string, unknown>[];
  readonly health: { now: NodeHealth };
  /** Holds what is answered against the document of the routes. */
  get(path: string, init?: RequestInit): Promise<Response>;
  /** Sends these bytes on a connection of its own, and gives all that comes back once the node has closed it. */
  raw(bytes: string): Promise<string>;
  /** A connection of its own. */
  open(): Promise<Socket>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running server on a port of the system's choice, whose gateway answers by itself; it ends with the scope that `await using` it. */
export async function httpEcho(
  methods: Partial<Methods<GatewayHandlers>> = {},
  flags: Flags = {},
  options: Pick<Partial<HttpServerOptions>, "routes" | "onFailure" | "onAnswered" | "autoAddress" | "listeners"> & {
    readonly access?: AccessControl;
  } = {},
): Promise<HttpEcho> {
  const lines: Record<string, unknown>[] = [];
  const health = { now: { ready: true, parts: { redisAnswers: true } } as NodeHealth };
  const sockets: Socket[] = [];
  const { routes = ROUTES.filter(({ tag }) => tag === "health") } = options; // the others ask services that are not here
  const answers = new ServedAnswers(openApiOf(routes) as unknown as ServedDocument); // as it is written
  const config = parseConfig({ env: {}, flags: { httpListen: "127.0.0.1:0", ...flags } });
  const log = createLogger({ level: "debug", to: { write: (line) => void lines.push(JSON.parse(line)) } });
  const { listeners = new Listeners({ config, log }) } = options;
  const own = listeners === options.listeners ? undefined : listeners;
  await own?.start();
  const server = createHttpServer({
    ...{ config, log },
    services: [{ definition: loadProtocol().Gateway.service, methods: { ...ECHO, ...methods } }],
    access: OPEN,
    health: async () => health.now,
    newId: randomUUID,
    ...options,
    ...{ routes, listeners },
  });
  const address =
    (await server.start().catch(async (error: unknown) => {
      await own?.stop();
      throw error;
    })) ?? "";
  const open = async (): Promise<Socket> => {
    const [, host = "", port = ""] = /^(.*):(\d+)$/.exec(address) ?? [];
    const socket = connect({ host: host.replace(/[[\]]/g, ""), port: Number(port) });
    socket.on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    return socket;
  };
  return {
    server,
    address,
    lines,
    health,
    open,
    async get(path, init) {
      const response = await fetch(`http://${address}${path}`, init);
      await answers.check(init?.method ?? "GET", path.split("?")[0] ?? "", response);
      return response;
    },
    async raw(bytes) {
      const socket = await open();
      let text = "";
      socket.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      const closed = once(socket, "close");
      socket.write(bytes);
      await closed;
      return text;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await server.stop(0);
      await own?.stop();
    },
  };
}

/** The body of a problem. */
export interface ProblemBody {
  readonly type: string;
  readonly status: number;
  readonly reason: string;
  readonly detail: string;
  readonly executed: string;
  readonly [more: string]: unknown;
}

/** What a response says that is a problem. */
export async function problem(response: Promise<Response> | Response): Promise<ProblemBody> {
  const got = await response;
  const type = got.headers.get("content-type");
  if (type !== "application/problem+json") throw new Error(`${got.status} ${type} is no problem: ${await got.text()}`);
  const body = (await got.json()) as ProblemBody; // as the type says
  if (body.status !== got.status) throw new Error(`a problem of ${body.status} came with ${got.status}`);
  return body;
}
