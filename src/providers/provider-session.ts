import { ChurnMap } from "../async/churn-map.js";
import { MESSAGE_OVERHEAD_BYTES as MOST_OVERHEAD_BYTES } from "../config/message-limits.js";
import { type FrameSink, FrameWriter } from "../frames/frame-writer.js";
import { frameOfLists, type ListItem } from "../frames/list-items.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, ToolsetName } from "../identity/names.js";
import type { AttachResponse } from "../protocol/generated/toolgate/v1/AttachResponse.js";
import type { CallMeta } from "../protocol/generated/toolgate/v1/CallMeta.js";
import type { CancelReason } from "../protocol/generated/toolgate/v1/CancelReason.js";
import type { GoAwayReason } from "../protocol/generated/toolgate/v1/GoAwayReason.js";
import type { StopReason } from "../store/calls/call-record.js";
import { type KeptCall, ownerOf, type TakenCall, type Taker } from "../store/calls/take.js";
import type { Lease } from "../store/registry/leases.js";

/**
 * One provider's session with this node.
 *
 *   opening ──welcome──▶ ready ──drain──▶ draining ──▶ closed
 *
 * `ready` takes calls while it has credits: room that no running call uses. `draining` takes none; what is in hand goes
 * on until it is settled or the stream ends. A closed session has let go of everything: its calls are the provider's, not
 * the session's, and wait for the provider to attach anew until their claims end.
 */
export type SessionState =
  | { readonly kind: "opening" }
  | { readonly kind: "ready" }
  /** `goAway` is the reason that was sent, if any: the provider's own wish needs none. */
  | { readonly kind: "draining"; readonly goAway: GoAwayReason | undefined }
  | { readonly kind: "closed"; readonly reason: string };

/** A call that the provider has: it runs it, or its result is being settled. */
export interface CallInHand {
  readonly id: CallId;
  readonly tool: string;
  readonly attempt: number;
  /** What was fixed at its admission. */
  readonly head: string;
  stage: "running" | "settling";
  /** When its claim was extended last, on the monotonic clock. */
  claimedAtMs: number;
  cancelled: boolean;
  /** Settles when the last piece of its output is in Redis, or lost. */
  output: Promise<void> | undefined;
}

/** A provider's stream: frames go down, and what comes up can be made to wait. */
export interface ProviderStream extends FrameSink<AttachResponse> {
  /** Each pause ends with a `resume`, and several may overlap. */
  pause(): void;
  resume(): void;
}

/** Ends a session's stream: well, or with what went wrong. */
export type EndStream = (error?: unknown) => void;

export interface SessionSettings {
  readonly lease: Lease;
  readonly taker: Taker;
  readonly maxInFlight: number;
  /** The largest message that the provider's channel takes, in bytes. */
  readonly maxMessageBytes: number;
  readonly sink: ProviderStream;
  readonly budgetBytes: number;
  readonly end: EndStream;
  readonly monotonicMs: () => number;
  /** What waited for the provider to read has gone: there is room for calls. */
  readonly onRoom: (session: ProviderSession) => void;
  /** A call does not fit into a message for the provider; called in a later turn. */
  readonly onUndeliverable: (session: ProviderSession, call: CallInHand) => void;
}

/** The reason that a provider receives when it is to stop a call. */
export const CANCEL_REASON = {
  CANCELLED: "CANCEL_REASON_CANCELLED",
  DEADLINE_EXCEEDED: "CANCEL_REASON_DEADLINE",
} as const satisfies Record<StopReason, CancelReason>;

/** Roughly what a message takes in a frame besides its payload, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 128;
/** Waiting bytes above which a provider is given no more calls. */
const SATURATED_BYTES = 2 * 1_048_576;
/** Bytes on their way to Redis above which nothing more is read from a provider, whether it heeds a pause or not. */
const MOST_ARRIVING_BYTES = 16 * 1_048_576;

/** Tells epochs apart, of all toolsets. */
export const epochKey = (toolset: ToolsetName, epoch: Epoch): string => `${toolset}@${epoch}`;

export class ProviderSession {
  readonly lease: Lease;
  readonly taker: Taker;
  /** provider/incarnation: the owner of its claims. */
  readonly owner: string;
  /** What it serves, as sessions are kept by. */
  readonly epochKey: string;
  readonly maxInFlight: number;
  readonly inHand = new ChurnMap<CallId, CallInHand>();
  /** When the provider was heard last, on the monotonic clock. */
  lastHeardMs: number;
  /** When the lease was renewed last, on the monotonic clock. */
  leasedAtMs: number;
  /** When a heartbeat was sent last, on the monotonic clock. */
  heartbeatAtMs: number;
  /** Bytes of output on their way to Redis. */
  outputBytes = 0;
  outputPaused = false;
  #state: SessionState = { kind: "opening" };
  #running = 0;
  #hasPonged = false;
  #awaitsPong = false;
  #missedPings = 0;
  #heartbeats = 0;
  #readySent = false;
  #arrivingBytes = 0;
  readonly #stream: ProviderStream;
  readonly #writer: FrameWriter<ListItem<AttachResponse>, AttachResponse>;
  readonly #end: EndStream;
  readonly #monotonicMs: () => number;
  readonly #maxMessageBytes: number;
  readonly #onUndeliverable: SessionSettings["onUndeliverable"];

  constructor(settings: SessionSettings) {
    this.lease = settings.lease;
    this.taker = settings.taker;
    this.owner = ownerOf(settings.taker);
    this.epochKey = epochKey(settings.lease.toolset, settings.lease.epoch);
    this.maxInFlight = settings.maxInFlight;
    this.#end = settings.end;
    this.#stream = settings.sink;
    this.#monotonicMs = settings.monotonicMs;
    this.#maxMessageBytes = settings.maxMessageBytes;
    this.#onUndeliverable = settings.onUndeliverable;
    this.lastHeardMs = this.leasedAtMs = this.heartbeatAtMs = settings.monotonicMs();
    this.#writer = new FrameWriter({
      sink: settings.sink,
      frameOf: frameOfLists<AttachResponse>,
      schedule: process.nextTick,
      saturatedBytes: SATURATED_BYTES,
      onRoom: () => settings.onRoom(this),
      budgetBytes: settings.budgetBytes,
      onOverflow: () => this.close("the provider does not read"),
    });
  }

  get state(): SessionState {
    return this.#state;
  }

  /** How many calls the provider runs. */
  get running(): number {
    return this.#running;
  }

  /** Whether the provider has answered a ping of this session. */
  get hasPonged(): boolean {
    return this.#hasPonged;
  }

  /** How many pings in a row were not answered before the next one came. */
  get missedPings(): number {
    return this.#missedPings;
  }

  /** How many more calls it takes now; none while it misses more pings than it may. Whether it has ponged at all, Redis knows. */
  credits(mostMissed: number): number {
    if (this.#state.kind !== "ready" || this.#missedPings > mostMissed || this.#writer.saturated) return 0;
    return Math.max(0, this.maxInFlight - this.#running);
  }

  /** Whether so much waits for the provider to read that nothing should be added. */
  get saturated(): boolean {
    return this.#writer.saturated;
  }

  /** Opens the session: the welcome goes out before anything else. */
  welcome(frame: AttachResponse): void {
    if (this.#state.kind !== "opening") return;
    this.#state = { kind: "ready" };
    this.#writer.sendNow(frame);
  }

  /** A call that the provider named when it attached. */
  keep(call: KeptCall): void {
    this.#hold(call);
    if (call.stop !== undefined) this.cancel(call.id, CANCEL_REASON[call.stop]);
  }

  /** Sends a call. A closed session takes nothing: the provider finds the call when it attaches anew. */
  deliver(call: TakenCall): void {
    if (this.#state.kind === "closed") return;
    const held = this.#hold(call);
    if (bytesOf(call) + MOST_OVERHEAD_BYTES > this.#maxMessageBytes) {
      queueMicrotask(() => this.#onUndeliverable(this, held));
      return;
    }
    // Claimed, and so its own: what is too much for now is not claimed.
    this.#writer.pushUnbudgeted({
      list: "calls",
      message: {
        callId: call.id,
        tool: call.tool,
        payloadJson: call.payload,
        attempt: call.attempt,
        deadlineMs: call.deadlineMs,
        timeoutMs: call.remainingMs,
        meta: call.meta === "" ? null : (JSON.parse(call.meta) as CallMeta), // written by the node that admitted it
      },
      bytes: bytesOf(call),
    });
    if (call.stop !== undefined) this.cancel(call.id, CANCEL_REASON[call.stop]);
  }

  /** Sends calls that are the provider's already, and that it did not get. */
  redeliver(calls: readonly TakenCall[]): void {
    for (const call of calls) this.deliver(call);
  }

  #hold({ id, tool, attempt, head }: KeptCall | TakenCall): CallInHand {
    this.forget(id); // an earlier attempt of it
    const call: CallInHand = {
      id,
      tool,
      attempt,
      head,
      stage: "running",
      claimedAtMs: this.#monotonicMs(),
      cancelled: false,
      output: undefined,
    };
    this.inHand.set(id, call);
    this.#running++;
    return call;
  }

  /** The provider answered: its slot is free, the result is not settled yet. */
  settling(call: CallInHand): void {
    if (call.stage === "settling") return;
    call.stage = "settling";
    this.#running--;
  }

  forget(id: CallId): void {
    const call = this.inHand.get(id);
    if (call === undefined) return;
    this.inHand.delete(id);
    if (call.stage === "running") this.#running--;
  }

  /** Tells the provider that a result was dealt with. A later attempt of the call stays in hand. */
  settled(id: CallId, attempt: number, accepted: boolean): void {
    if (this.inHand.get(id)?.attempt === attempt) this.forget(id);
    this.#writer.pushDelayed({
      list: "settled",
      message: { callId: id, attempt, accepted },
      bytes: MESSAGE_OVERHEAD_BYTES,
    });
  }

  /** Tells the provider to stop a call, once. */
  cancel(id: CallId, reason: CancelReason): void {
    const call = this.inHand.get(id);
    if (call === undefined || call.cancelled) return;
    call.cancelled = true;
    this.#writer.push({
      list: "cancels",
      message: { callId: id, attempt: call.attempt, reason },
      bytes: MESSAGE_OVERHEAD_BYTES,
    });
  }

  ping(nonce: string): void {
    if (this.#state.kind === "opening" || this.#state.kind === "closed") return;
    if (this.#awaitsPong) this.#missedPings++;
    this.#awaitsPong = true;
    this.#writer.push({ list: "pings", message: { nonce }, bytes: MESSAGE_OVERHEAD_BYTES });
  }

  ponged(): void {
    this.#hasPonged = true;
    this.#awaitsPong = false;
    this.#missedPings = 0;
  }

  /** A pong of this session is recorded: the provider hears so of the first one. */
  ready(): void {
    if (this.#readySent || this.#state.kind === "opening") return;
    this.#readySent = true;
    this.#writer.sendNow({ ready: {} });
  }

  /** Asks for a sign of life; not before the welcome, which is the first thing that a provider hears. */
  heartbeat(): void {
    if (this.#state.kind === "opening") return;
    this.heartbeatAtMs = this.#monotonicMs();
    this.#writer.sendNow({ heartbeat: { sequence: ++this.#heartbeats, reply: false } });
  }

  replyHeartbeat(sequence: number): void {
    this.#writer.sendNow({ heartbeat: { sequence, reply: true } });
  }

  superseded(activeEpoch: number, activeVersion: string): void {
    if (this.#state.kind === "opening") return; // it hears of it once it is open
    this.#writer.sendNow({ superseded: { activeEpoch, activeVersion } });
  }

  /** Output or a result came, and is held until it is in Redis: the provider has to wait while that is too much. */
  arrived(bytes: number): void {
    const wasTooMuch = this.#arrivingBytes > MOST_ARRIVING_BYTES;
    this.#arrivingBytes += bytes;
    if (!wasTooMuch && this.#arrivingBytes > MOST_ARRIVING_BYTES) this.#stream.pause();
  }

  /** What had come is in Redis, or lost. */
  handled(bytes: number): void {
    const wasTooMuch = this.#arrivingBytes > MOST_ARRIVING_BYTES;
    this.#arrivingBytes -= bytes;
    if (wasTooMuch && this.#arrivingBytes <= MOST_ARRIVING_BYTES) this.#stream.resume();
  }

  pauseOutput(pause: boolean): void {
    this.outputPaused = pause;
    this.#writer.sendNow({ flowControl: { pauseOutput: pause } });
  }

  /** Takes no more calls; with a reason, the provider is asked to go. */
  drain(goAway: GoAwayReason | undefined, graceMs: number): void {
    switch (this.#state.kind) {
      case "closed":
        return;
      case "draining":
        if (this.#state.goAway !== undefined || goAway === undefined) return;
        break;
      case "opening":
      case "ready":
        break;
      default:
        this.#state satisfies never;
    }
    this.#state = { kind: "draining", goAway };
    if (goAway !== undefined) this.#writer.sendNow({ goAway: { reason: goAway, graceMs } });
  }

  /** Ends the session and its stream. */
  close(reason: string, error?: unknown): void {
    if (this.#state.kind === "closed") return;
    this.#writer.flush();
    this.#state = { kind: "closed", reason };
    this.#writer.close();
    this.inHand.clear();
    this.#running = 0;
    this.#end(error);
  }
}

const bytesOf = (call: TakenCall): number => MESSAGE_OVERHEAD_BYTES + call.payload.length + call.meta.length;
