import { randomUUID } from "node:crypto";
import { type ChannelOptions, type ClientDuplexStream, credentials, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, onTestFinished } from "vitest";
import type { ToolgateError } from "../../src/errors/toolgate-error.js";
import type { AttachRequest } from "../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse__Output } from "../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import type { CallSpec } from "../../src/protocol/generated/toolgate/v1/CallSpec.js";
import type { Contract } from "../../src/protocol/generated/toolgate/v1/Contract.js";
import type { GetToolsetResponse__Output } from "../../src/protocol/generated/toolgate/v1/GetToolsetResponse.js";
import type { Hello } from "../../src/protocol/generated/toolgate/v1/Hello.js";
import type { LeaseRef } from "../../src/protocol/generated/toolgate/v1/LeaseRef.js";
import type { ProviderCall__Output } from "../../src/protocol/generated/toolgate/v1/ProviderCall.js";
import type { RegisterRequest } from "../../src/protocol/generated/toolgate/v1/RegisterRequest.js";
import type { RegisterResponse__Output } from "../../src/protocol/generated/toolgate/v1/RegisterResponse.js";
import type { SessionRequest } from "../../src/protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse__Output } from "../../src/protocol/generated/toolgate/v1/SessionResponse.js";
import { loadProtocol, type Protocol } from "../../src/protocol/load.js";
import { fromServiceError } from "../../src/protocol/status-details.js";
import { ask } from "../front/grpc/ask.js";
import { type Cluster, type NodeSettings, startCluster } from "../support/cluster.js";
import { privateRedis, type TestRedis } from "../support/redis.js";
import { until } from "../support/until.js";

/** Bare gRPC clients of one node, over one connection of their own: what the SDK would hide is seen here. */
export interface Wire {
  readonly address: string;
  readonly registry: InstanceType<Protocol["Registry"]>;
  readonly catalog: InstanceType<Protocol["Catalog"]>;
  readonly gateway: InstanceType<Protocol["Gateway"]>;
  readonly documents: InstanceType<Protocol["Documents"]>;
  close(): void;
}

export function wireTo(address: string, more: ChannelOptions = {}): Wire {
  const { Registry, Catalog, Gateway, Documents } = loadProtocol();
  const options = { "grpc.use_local_subchannel_pool": 1, "grpc.enable_retries": 0, ...more };
  const registry = new Registry(address, credentials.createInsecure(), options);
  const over = { channelOverride: registry.getChannel() };
  return {
    address,
    registry,
    catalog: new Catalog(address, credentials.createInsecure(), over),
    gateway: new Gateway(address, credentials.createInsecure(), over),
    documents: new Documents(address, credentials.createInsecure(), over),
    close: () => registry.close(),
  };
}

/** Three nodes on a Redis of their own, for a whole test file, and a wire to each; they are there from beforeAll on. */
export function wiredCluster(config: NodeSettings) {
  let redis: TestRedis | undefined;
  let cluster: Cluster | undefined;
  let wires: readonly Wire[] = [];
  beforeAll(async () => {
    redis = await privateRedis();
    cluster = await startCluster({ redis, config });
    wires = cluster.addresses.map((address) => wireTo(address));
  });
  afterAll(async () => {
    for (const wire of wires) wire.close();
    await cluster?.stop();
    await redis?.stop();
  });
  return {
    redis: () => redis as TestRedis, // started above
    cluster: () => cluster as Cluster, // started above
    wires: () => wires as readonly [Wire, Wire, Wire], // three nodes
  };
}

/** One stream in both directions: what came down so far, and how it ended. */
export class FrameStream<Up, Down> {
  readonly frames: Down[] = [];
  /** Resolves with the error that the stream ended with, or nothing when it ended well. */
  readonly ended: Promise<ToolgateError | undefined>;
  over = false;
  readonly #stream: ClientDuplexStream<Up, Down>;

  constructor(stream: ClientDuplexStream<Up, Down>, onFrame: (frame: Down) => void = () => {}) {
    this.#stream = stream;
    stream.on("data", (frame: Down) => {
      this.frames.push(frame);
      onFrame(frame);
    });
    this.ended = new Promise((resolve) => {
      stream.on("error", (error: ServiceError) => resolve(fromServiceError(error)));
      stream.on("end", () => resolve(undefined));
    });
    void this.ended.then(() => {
      this.over = true;
    });
  }

  send(frame: Up): void {
    this.#stream.write(frame);
  }

  /** No more frames go up; those that come down are still read. */
  end(): void {
    this.#stream.end();
  }

  /** Cuts the stream, as a lost connection would. */
  cut(): void {
    this.#stream.cancel();
  }

  /** All messages of one list, in the order in which they came. */
  all<Message>(list: (frame: Down) => readonly Message[]): Message[] {
    return this.frames.flatMap(list);
  }
}

/** An agent's session, cut when the test ends. */
export function openAgentSession({ gateway }: Wire): FrameStream<SessionRequest, SessionResponse__Output> {
  const session = new FrameStream<SessionRequest, SessionResponse__Output>(gateway.session());
  onTestFinished(() => session.cut());
  return session;
}

/** How the call of that ref ended, once it has. */
export function terminalOf(session: FrameStream<SessionRequest, SessionResponse__Output>, ref: number) {
  return until(`call ${ref} has ended`, () => {
    const found = session.all(({ terminals }) => terminals).find((terminal) => terminal.ref === ref);
    return found?.terminal;
  });
}

export type ProviderStream = FrameStream<AttachRequest, AttachResponse__Output>;

/** A provider's session that answers pings and heartbeats, as every provider must; cut when the test ends. */
export function attach({ registry }: Wire, hello: Hello, { answerPings = true } = {}): ProviderStream {
  const stream: ProviderStream = new FrameStream(registry.attach(), ({ pings, heartbeat }) => {
    if (answerPings && pings.length > 0) stream.send({ pongs: pings });
    if (heartbeat?.reply === false) stream.send({ heartbeat: { ...heartbeat, reply: true } });
  });
  onTestFinished(() => stream.cut());
  stream.send({ hello });
  return stream;
}

export const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

/** A toolset of a test's own: `echo` runs once, `again` may be repeated, `strict` wants nine numbers and promises one. */
export function contractNamed(name: string, more: Partial<Contract> = {}): Contract {
  const letters = [..."abcdefghi"];
  const strict = {
    type: "object",
    properties: Object.fromEntries(letters.map((letter) => [letter, { type: "number" }])),
    required: letters,
  };
  return {
    name,
    version: "1.0.0",
    tools: [
      { name: "echo", payloadSchemaJson: json({ type: "object" }) },
      { name: "again", payloadSchemaJson: json({ type: "object" }), delivery: "DELIVERY_MODE_IDEMPOTENT" },
      { name: "strict", payloadSchemaJson: json(strict), resultSchemaJson: json({ type: "number" }) },
      { name: "brief", payloadSchemaJson: json({ type: "object" }), timeoutMs: 1_500 },
    ],
    ...more,
  };
}

export interface Registration {
  readonly lease: LeaseRef;
  readonly answer: RegisterResponse__Output;
}

/** Registers a provider; its lease is released when the test ends. */
export async function registerOn(wire: Wire, request: RegisterRequest): Promise<Registration> {
  const whole = { providerId: "p1", incarnation: randomUUID(), ...request };
  const answer = await ask<RegisterResponse__Output>((cb) => wire.registry.register(whole, cb));
  const lease = {
    toolset: request.contract?.name ?? "",
    epoch: answer.epoch,
    providerId: whole.providerId,
    incarnation: whole.incarnation,
    leaseToken: answer.leaseToken,
  };
  onTestFinished(async () => {
    await ask((cb) => wire.registry.release({ lease }, cb));
  });
  return { lease, answer };
}

export interface RawProvider extends Registration {
  readonly stream: ProviderStream;
  /** The calls that it was given, in order. */
  calls(): ProviderCall__Output[];
  /** Waits until it was given `count` calls. */
  given(count: number): Promise<ProviderCall__Output[]>;
  /** Answers a call with a result. */
  finish(call: { callId: string; attempt: number }, result: unknown): void;
}

/** Registers and attaches a provider on a node, and waits until each of the nodes can call it. */
export async function provide(
  wire: Wire,
  nodes: readonly Wire[],
  contract: Contract,
  hello: Partial<Hello> = {},
  options: RegisterRequest["options"] = null,
): Promise<RawProvider> {
  const registration = await registerOn(wire, { contract, options });
  const stream = attach(wire, { lease: registration.lease, maxInFlight: 100, ...hello });
  await callable(contract.name ?? "", nodes);
  const calls = () => stream.all((frame) => frame.calls);
  return {
    ...registration,
    stream,
    calls,
    given: (count) => until(`${count} calls came`, () => calls().length >= count && calls()),
    finish: ({ callId, attempt }, result) => stream.send({ results: [{ callId, attempt, resultJson: json(result) }] }),
  };
}

/** Waits until a toolset can be called on each of the nodes. */
export async function callable(name: string, nodes: readonly Wire[]): Promise<void> {
  for (const { address, catalog } of nodes) {
    await until(`"${name}" can be called on ${address}`, async () => {
      const { epochs } = await ask<GetToolsetResponse__Output>((cb) => catalog.getToolset({ name }, cb));
      return epochs[0]?.health?.healthy;
    });
  }
}

/** A call of a tool, with whatever else is said about it. */
export const specOf = (toolset: string, tool = "echo", more: Partial<CallSpec> = {}): CallSpec => ({
  toolset,
  tool,
  payloadJson: json({}),
  ...more,
});
