import { setTimeout as delay } from "node:timers/promises";
import { type ClientDuplexStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { AttachRequest } from "../../src/protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse__Output } from "../../src/protocol/generated/toolgate/v1/AttachResponse.js";
import type { LeaseRef } from "../../src/protocol/generated/toolgate/v1/LeaseRef.js";
import type { RegisterResponse__Output } from "../../src/protocol/generated/toolgate/v1/RegisterResponse.js";
import type { WatchResponse__Output } from "../../src/protocol/generated/toolgate/v1/WatchResponse.js";
import { readError } from "../../src/sdk/request.js";
import type { LeaseProbe, ProbedLeases, ReportedChange } from "./check/evidence.js";
import { answerOf, type GatewayClient } from "./gateway-client.js";

/** A toolset of the probe's own. */
const TOOLSET = "probe";
/** How long one step may take, in milliseconds. */
const STEP_WITHIN_MS = 10_000;

/**
 * Does what no well-behaved provider does, over three gateways: a former incarnation gives its lease back when the next one
 * holds it, and a provider answers a ping when its toolset is gone. Tells what came of it; the cluster is to be healthy.
 */
export async function probeLeases(gateways: readonly GatewayClient[]): Promise<LeaseProbe> {
  try {
    return await probe(gateways);
  } catch (error) {
    return { kind: "failed", why: error instanceof Error ? error.message : String(error) };
  }
}

async function probe(gateways: readonly GatewayClient[]): Promise<ProbedLeases> {
  const [one, two, three] = gateways;
  if (one === undefined || two === undefined || three === undefined) throw new Error("The probe needs three gateways.");
  const former = await register(one, "former");
  const holder = await register(two, "holder");
  await answerOf((callback) => three.registry.release({ lease: former }, within(), callback));
  const holderLost = await answerOf((callback) => one.registry.renew({ lease: holder }, within(), callback)).then(
    () => "",
    (error: ServiceError) => readError(error, one.name).reason,
  );
  if (holderLost !== "") return { kind: "done", holderLost, changes: [] };

  const watch = three.catalog.watch({ toolsets: [TOOLSET] });
  watch.on("error", () => {}); // it is cancelled in the end
  const changes: ReportedChange[] = [];
  watch.on("data", ({ changes: told }: WatchResponse__Output) => {
    changes.push(...told.map(({ kind, epoch }) => ({ kind: kind.replace("CHANGE_KIND_", "").toLowerCase(), epoch })));
  });
  const session = new RawSession(one, holder);
  try {
    await until("the session is open", () => session.welcomed);
    session.send({ pongs: [{ nonce: "in time" }] });
    await until("a call is admitted", () => admitted(two));
    // What it has in hand keeps its session open when the toolset goes.
    await until("the provider has the call", () => session.calls > 0);
    await unregister(two, holder);
    session.send({ pongs: [{ nonce: "too late" }], heartbeat: { sequence: 1, reply: false } });
    await until("the late pong was heard", () => session.heartbeats > 0 || session.ended);
    // It is announced after whatever the pong did.
    const next = await register(one, "next");
    await until("the watch tells of the next epoch", () => changes.some(({ epoch }) => epoch === next.epoch));
    await unregister(two, next);
    return { kind: "done", holderLost, changes };
  } finally {
    session.close();
    watch.cancel();
  }
}

async function register({ registry }: GatewayClient, incarnation: string): Promise<LeaseRef> {
  const tool = { name: "wait", payloadSchemaJson: Buffer.from('{"type":"object"}') };
  const contract = { name: TOOLSET, version: "1.0.0", description: "Of a probe.", tools: [tool] };
  const request = { contract, providerId: TOOLSET, incarnation };
  const { epoch, leaseToken } = await answerOf<RegisterResponse__Output>((callback) =>
    registry.register(request, within(), callback),
  );
  return { toolset: TOOLSET, epoch, providerId: TOOLSET, incarnation, leaseToken };
}

async function unregister({ registry }: GatewayClient, { epoch }: LeaseRef): Promise<void> {
  await answerOf((callback) => registry.unregister({ name: TOOLSET, epoch: Number(epoch) }, within(), callback));
}

/** Whether a call is admitted; not while no provider is known to be healthy. */
async function admitted({ gateway }: GatewayClient): Promise<boolean> {
  const call = { toolset: TOOLSET, tool: "wait", payloadJson: Buffer.from("{}"), timeoutMs: STEP_WITHIN_MS };
  return await answerOf((callback) => gateway.callTool({ call }, within(), callback)).then(
    () => true,
    () => false,
  );
}

/** A provider's session, frame by frame. */
class RawSession {
  readonly #stream: ClientDuplexStream<AttachRequest, AttachResponse__Output>;
  welcomed = false;
  ended = false;
  calls = 0;
  heartbeats = 0;

  constructor({ registry }: GatewayClient, lease: LeaseRef) {
    this.#stream = registry.attach(new Metadata());
    this.#stream.on("data", ({ welcome, calls, heartbeat }: AttachResponse__Output) => {
      if (welcome !== null) this.welcomed = true;
      this.calls += calls.length;
      if (heartbeat?.reply === true) this.heartbeats++;
    });
    const end = (): void => {
      this.ended = true;
    };
    this.#stream.on("error", end);
    this.#stream.on("end", end);
    this.send({ hello: { lease, maxInFlight: 1 } });
  }

  send(frame: AttachRequest): void {
    this.#stream.write(frame);
  }

  close(): void {
    this.#stream.cancel();
  }
}

function within(): { readonly deadline: number } {
  return { deadline: Date.now() + STEP_WITHIN_MS };
}

async function until(awaited: string, look: () => boolean | Promise<boolean>): Promise<void> {
  for (const giveUpAtMs = Date.now() + STEP_WITHIN_MS; !(await look()); await delay(10)) {
    if (Date.now() > giveUpAtMs) throw new Error(`the probe waited in vain: ${awaited}`);
  }
}
