import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll } from "vitest";
import { parseConfig } from "../../src/config/config.js";
import { createNode, type GatewayNode } from "../../src/node.js";
import type { AttachRequest } from "../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse__Output } from "../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import type { CallSpec } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";
import type { CallToolResponse__Output } from "../../src/protocol/generated/toolgate/v1/CallToolResponse.js";
import type { LeaseRef } from "../../src/protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterRequest } from "../../src/protocol/generated/toolgate/v1/RegisterRequest.js";
import type { RegisterResponse__Output } from "../../src/protocol/generated/toolgate/v1/RegisterResponse.js";
import { Node } from "../../src/sdk/remote-node.js";
import type { NodeSettings } from "../support/cluster.js";
import type { TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";

/** A node of this process, and the wire to it without an SDK: for providers that do what no SDK does. */
export function rawNodeForFile(redis: () => TestRedis, settings: NodeSettings = {}): () => Node {
  let node: GatewayNode | undefined;
  let wire: Node | undefined;
  beforeAll(async () => {
    const own = { listen: "127.0.0.1:0", opsListen: "off", redisUrl: redis().url };
    const flags = { ...own, logLevel: "silent", drainGraceMs: 0, ...settings };
    node = createNode(parseConfig({ env: {}, flags }));
    const { address } = await node.start();
    wire = new Node(address, credentials.createInsecure(), {});
  });
  afterAll(async () => {
    wire?.close();
    await node?.stop();
  });
  return () => {
    if (wire === undefined) throw new Error("The node is there from beforeAll on, not before.");
    return wire;
  };
}

/** Registers a provider. */
export async function registerRaw(node: Node, request: RegisterRequest): Promise<LeaseRef> {
  const answer = await new Promise<RegisterResponse__Output>((resolve, reject) =>
    node.clients.registry.register(request, (error: ServiceError | null, value?: RegisterResponse__Output) =>
      value === undefined ? reject(error) : resolve(value),
    ),
  );
  return {
    toolset: request.contract?.name ?? "",
    epoch: answer.epoch,
    providerId: request.providerId ?? "",
    incarnation: request.incarnation ?? "",
    leaseToken: answer.leaseToken,
  };
}

/** One session, by its frames. */
export interface RawSession {
  readonly frames: readonly AttachResponse__Output[];
  /** Why the stream ended; absent while it lives or when the node ended it well. */
  readonly error: ServiceError | undefined;
  readonly ended: boolean;
  send(frame: AttachRequest): void;
  /** The first frame that answers. */
  frame<T>(awaited: string, look: (frame: AttachResponse__Output) => T | undefined | null | false): Promise<T>;
  close(): Promise<void>;
}

/** Opens a session with its first frame, whatever that says; it pongs, and gives signs of life when asked for them, unless said. */
export function attachRaw(node: Node, first: AttachRequest, { silent = false } = {}): RawSession {
  const stream = node.clients.registry.attach(new Metadata());
  const frames: AttachResponse__Output[] = [];
  const state = { error: undefined as ServiceError | undefined, ended: false };
  stream.on("data", (frame: AttachResponse__Output) => {
    frames.push(frame);
    if (frame.pings.length > 0) stream.write({ pongs: frame.pings });
    if (frame.heartbeat?.reply === false && !silent) stream.write({ heartbeat: { ...frame.heartbeat, reply: true } });
  });
  stream.on("error", (error: ServiceError) => {
    state.error = error;
    state.ended = true;
  });
  stream.on("end", () => {
    state.ended = true;
  });
  stream.write(first);
  return {
    frames,
    get error() {
      return state.error;
    },
    get ended() {
      return state.ended;
    },
    send: (frame) => void stream.write(frame),
    frame: async (awaited, look) => {
      const found = await until(awaited, () => {
        for (const frame of frames) {
          const answer = look(frame);
          if (answer !== undefined && answer !== null && answer !== false) return { answer };
        }
        return undefined;
      });
      return found.answer as never; // what `look` answered
    },
    close: async () => {
      stream.cancel();
      await until("the stream is gone", () => state.ended);
    },
  };
}

/** Admits a call; gives its id. */
export async function callToolRaw(node: Node, call: CallSpec): Promise<string> {
  const handle = await new Promise<CallToolResponse__Output>((resolve, reject) =>
    node.clients.gateway.callTool({ call }, (error: ServiceError | null, value?: CallToolResponse__Output) =>
      value === undefined ? reject(error) : resolve(value),
    ),
  );
  return handle.handle?.callId ?? "";
}
