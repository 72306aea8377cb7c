import type { ClientDuplexStream, ServiceError } from "@grpc/grpc-js";
import { timerMs } from "../async/after.js";
import { deferred } from "../async/deferred.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { FrameWriter } from "../frames/frame-writer.js";
import type { AttachRequest } from "../protocol/generated/toolgate/v1/AttachRequest.js";
import type { AttachResponse__Output } from "../protocol/generated/toolgate/v1/AttachResponse.js";
import type { CancelNotice__Output } from "../protocol/generated/toolgate/v1/CancelNotice.js";
import type { GoAway__Output } from "../protocol/generated/toolgate/v1/GoAway.js";
import type { Heartbeat__Output } from "../protocol/generated/toolgate/v1/Heartbeat.js";
import type { Hello } from "../protocol/generated/toolgate/v1/Hello.js";
import type { ProviderCall__Output } from "../protocol/generated/toolgate/v1/ProviderCall.js";
import type { ProviderDelta } from "../protocol/generated/toolgate/v1/ProviderDelta.js";
import type { ProviderResult } from "../protocol/generated/toolgate/v1/ProviderResult.js";
import type { Settled__Output } from "../protocol/generated/toolgate/v1/Settled.js";
import type { Superseded__Output } from "../protocol/generated/toolgate/v1/Superseded.js";
import type { Welcome__Output } from "../protocol/generated/toolgate/v1/Welcome.js";
import type { Node } from "./remote-node.js";
import { readError } from "./request.js";
import { SATURATED_BYTES, streamSink } from "./stream-sink.js";
import { settlesWithin, type Timing } from "./timing.js";

/** How long a node may take to open a session, in milliseconds. */
const WELCOME_MS = 10_000;
/** Heartbeats without a sign of a node after which it is lost. */
const MISSED_HEARTBEATS = 3;

/** A message on its way to the node. */
export type Outgoing =
  | { readonly kind: "delta"; readonly bytes: number; readonly delta: ProviderDelta }
  | { readonly kind: "result"; readonly bytes: number; readonly result: ProviderResult }
  | { readonly kind: "drain"; readonly bytes: number };

/** What a session reports to its provider; all but `ended` only while it lives. */
export interface SessionEvents {
  readonly welcomed: (welcome: Welcome__Output) => void;
  readonly call: (call: ProviderCall__Output) => void;
  readonly cancel: (notice: CancelNotice__Output) => void;
  readonly settled: (settled: Settled__Output) => void;
  /** Calls may come: the provider's first answer to a ping is recorded. */
  readonly ready: () => void;
  readonly superseded: (superseded: Superseded__Output) => void;
  readonly goAway: (goAway: GoAway__Output) => void;
  /** There is room for output again. */
  readonly writable: () => void;
  /** The stream is gone; called once, and nothing after it. `unsent` never left. */
  readonly ended: (error: ToolgateError | undefined, unsent: readonly Outgoing[]) => void;
}

/** One `Registry.Attach` stream to one node. */
export class ProviderLink {
  readonly node: Node;
  /** Of the credential that the session was opened with. */
  readonly keyVersion: number;
  readonly #events: SessionEvents;
  readonly #timing: Timing;
  readonly #stream: ClientDuplexStream<AttachRequest, AttachResponse__Output>;
  readonly #writer: FrameWriter<Outgoing, AttachRequest>;
  readonly #over = deferred<void>();
  #phase: "opening" | "open" | "over" = "opening";
  #paused = false;
  #timer: NodeJS.Timeout;
  #lastHeardMs: number;
  #sequence = 0;
  #closing: Promise<void> | undefined;

  constructor(node: Node, hello: Hello, events: SessionEvents, timing: Timing) {
    this.node = node;
    this.keyVersion = node.keyVersion;
    this.#events = events;
    this.#timing = timing;
    this.#lastHeardMs = timing.monotonicMs();
    const stream = node.clients.registry.attach(node.metadata());
    this.#stream = stream;
    this.#writer = new FrameWriter({
      sink: streamSink(stream),
      frameOf,
      schedule: setImmediate,
      saturatedBytes: SATURATED_BYTES,
      onRoom: () => this.#notifyWritable(),
    });
    this.#timer = setTimeout(() => this.#giveUp(`no welcome within ${WELCOME_MS} ms`), WELCOME_MS);
    stream.on("data", (frame: AttachResponse__Output) => this.#receive(frame));
    stream.on("error", (error: ServiceError) => this.#ended(readError(error, node.address, node.keyOrigin)));
    stream.on("end", () => this.#ended(undefined));
    stream.write({ hello });
  }

  /** Whether output may be sent. */
  get writable(): boolean {
    return this.#phase === "open" && !this.#paused && !this.#writer.saturated;
  }

  /** Sends a message with the next frame. */
  push(item: Outgoing): void {
    this.#writer.push(item);
  }

  /** Ends the stream after what is queued; resolves when it is gone, within a second. */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #end(): Promise<void> {
    if (this.#phase === "over") return;
    this.#writer.flushAll();
    this.#writer.close();
    this.#stream.end();
    if (await settlesWithin(this.#over.promise, 1000)) return;
    this.#stream.cancel();
    await this.#over.promise;
  }

  #receive(frame: AttachResponse__Output): void {
    if (this.#phase === "over") return;
    this.#lastHeardMs = this.#timing.monotonicMs();
    // First, and past the queue: a provider that is busy, or whose output is held back, is alive all the same.
    if (frame.pings.length > 0) this.#write({ pongs: frame.pings.map(({ nonce }) => ({ nonce })) });
    if (frame.heartbeat !== null) this.#answer(frame.heartbeat);
    if (frame.welcome !== null) this.#open(frame.welcome);
    if (frame.ready !== null) this.#events.ready();
    for (const notice of frame.cancels) this.#events.cancel(notice);
    for (const settled of frame.settled) this.#events.settled(settled);
    for (const call of frame.calls) this.#events.call(call);
    if (frame.superseded !== null) this.#events.superseded(frame.superseded);
    if (frame.flowControl !== null) {
      this.#paused = frame.flowControl.pauseOutput;
      this.#notifyWritable();
    }
    if (frame.goAway !== null) this.#events.goAway(frame.goAway);
  }

  #open(welcome: Welcome__Output): void {
    if (this.#phase !== "opening") return;
    this.#phase = "open";
    clearTimeout(this.#timer);
    if (welcome.heartbeatMs > 0) this.#scheduleHeartbeat(welcome.heartbeatMs, this.#timing.monotonicMs());
    this.#events.welcomed(welcome);
  }

  #answer({ sequence, reply }: Heartbeat__Output): void {
    if (!reply) this.#write({ heartbeat: { sequence, reply: true } });
  }

  #scheduleHeartbeat(periodMs: number, sinceMs: number): void {
    this.#timer = setTimeout(() => {
      const now = this.#timing.monotonicMs();
      // A process that slept finds its timer due before what arrived meanwhile; the next beat will judge.
      const slept = now - sinceMs > 2 * periodMs;
      if (!slept && now - this.#lastHeardMs > MISSED_HEARTBEATS * periodMs) {
        this.#giveUp(`nothing was heard of it for ${Math.round(now - this.#lastHeardMs)} ms`);
        return;
      }
      this.#sequence += 1;
      this.#write({ heartbeat: { sequence: this.#sequence, reply: false } });
      this.#scheduleHeartbeat(periodMs, now);
    }, timerMs(periodMs));
  }

  #giveUp(why: string): void {
    const message = `The session with the node ${this.node.address} was given up: ${why}.`;
    this.#ended(new ToolgateError("NODE_UNREACHABLE", message, { executed: "unknown" }));
    this.#stream.cancel();
  }

  #ended(error: ToolgateError | undefined): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    clearTimeout(this.#timer);
    this.#over.resolve();
    this.#events.ended(error, this.#writer.close());
  }

  #notifyWritable(): void {
    if (this.writable) this.#events.writable();
  }

  #write(frame: AttachRequest): void {
    if (this.#phase !== "over" && this.#stream.writable) this.#stream.write(frame);
  }
}

function frameOf(items: readonly Outgoing[]): AttachRequest {
  const deltas: ProviderDelta[] = [];
  const results: ProviderResult[] = [];
  let drain = false;
  for (const item of items) {
    if (item.kind === "delta") deltas.push(item.delta);
    else if (item.kind === "result") results.push(item.result);
    else drain = true;
  }
  return { deltas, results, ...(drain ? { drain: {} } : {}) };
}
