import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import { OPEN } from "../../../src/access/open-access.js";
import { parseConfig } from "../../../src/config/config.js";
import type { Flags } from "../../../src/config/settings.js";
import { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { createGrpcServer, type GrpcServer, type GrpcServerOptions } from "../../../src/front/grpc/grpc-server.js";
import { Listeners } from "../../../src/front/listening/listeners.js";
import { bidi, type Methods, serverStream, unary } from "../../../src/front/services/methods.js";
import { createLogger } from "../../../src/observe/logger.js";
import type { GatewayHandlers } from "../../../src/protocol/generated/toolgate/v1/Gateway.js";
import { loadProtocol } from "../../../src/protocol/load.js";

/** The name under which the servers of these tests know their service. */
export const GATEWAY = "toolgate.v1.Gateway";

/** A gateway that answers by itself: enough of one to try the server with. */
export const ECHO: Methods<GatewayHandlers> = {
  CallTool: unary(async ({ call }) => ({ handle: { tool: call?.tool ?? "" } })),
  Invoke: unary(async ({ call }) => ({
    terminate: undefined,
    terminal: { kind: "TERMINAL_KIND_RESULT", resultJson: call?.payloadJson ?? Buffer.alloc(0) },
  })),
  FollowCall: serverStream(async function* ({ callId }) {
    yield { deltas: [{ cursor: callId }] };
  }),
  GetCall: unary(async ({ callId }) => {
    throw new ToolgateError("UNKNOWN_CALL", `There is no call ${callId}.`, { metadata: { near: "none" } });
  }),
  CancelCall: unary(async () => ({})),
  ListCalls: unary(async () => ({})),
  Session: bidi((stream) => {
    stream.onFrame(({ calls }) => {
      for (const { ref } of calls) stream.send({ terminals: [{ ref }] });
    });
  }),
};

export interface EchoServer {
  readonly server: GrpcServer;
  /** For another server that is to share its bounds. */
  readonly listeners: Listeners;
  readonly address: string;
  /** What was logged. */
  readonly lines: Record<string, unknown>[];
  /** A new client with a connection of its own. */
  client(options?: {
    readonly credentials?: ChannelCredentials;
    readonly [option: string]: unknown;
  }): InstanceType<ReturnType<typeof loadProtocol>["Gateway"]>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A running server on a port of the system's choice; it and its clients end with the scope that `await using` it. */
export async function echoServer(
  methods: Partial<Methods<GatewayHandlers>> = {},
  flags: Flags = {},
  {
    readWithinMs,
    ...options
  }: Pick<Partial<GrpcServerOptions>, "access" | "prefaceWithinMs"> & {
    /** The setting `readTimeoutMs`, where it is to be less than a setting may be. */
    readonly readWithinMs?: number;
  } = {},
): Promise<EchoServer> {
  const { Gateway } = loadProtocol();
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: "debug", to: { write: (line) => void lines.push(JSON.parse(line)) } });
  const parsed = parseConfig({ env: {}, flags: { listen: "127.0.0.1:0", ...flags } });
  const config = { ...parsed, readTimeoutMs: readWithinMs ?? parsed.readTimeoutMs };
  const listeners = new Listeners({ config, log });
  await listeners.start();
  const server = createGrpcServer({
    config,
    listeners,
    log,
    services: [{ definition: Gateway.service, methods: { ...ECHO, ...methods } }],
    access: OPEN,
    ...options,
  });
  const { address } = await server.start();
  server.setServing("all", true);
  const clients: { close(): void }[] = [];
  return {
    ...{ server, listeners },
    address,
    lines,
    client({ credentials: chosen = credentials.createInsecure(), ...options } = {}) {
      const client = new Gateway(address, chosen, {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_retries": 0,
        ...options,
      });
      clients.push(client);
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      await server.stop(0);
      await listeners.stop();
    },
  };
}
