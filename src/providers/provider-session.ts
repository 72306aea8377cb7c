import { ChurnMap } from "../async/churn-map.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, ToolsetName } from "../identity/names.js";
import type { AttemptSpan } from "../observe/traces/node-spans.js";
import type { NodeTraces } from "../observe/traces/node-traces.js";
import { sampledPlaceIn, traceparentAt, withTraceparent } from "../observe/traces/trace-context.js";
import { parseHead } from "../store/calls/call-record.js";
import { type KeptCall, ownerOf, type TakenCall, type Taker } from "../store/calls/take.js";
import type { Lease } from "../store/registry/leases.js";
import type { CancelCause, GoAwayCause, OpenChannel, ProviderChannel, Welcome } from "./provider-channel.js";

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
  | { readonly kind: "draining"; readonly goAway: GoAwayCause | undefined }
  | { readonly kind: "closed"; readonly reason: string };

/** A call that the provider has: it runs it, or its result is being settled. */
export interface CallInHand {
  readonly id: CallId;
  readonly tool: string;
  readonly attempt: number;
  /** What was fixed at its admission. */
  readonly head: string;
  /** What its agent said about it, as its record has it; empty of a call that its provider brought along. */
  readonly meta: string;
  /** Of a call that is traced, unless its provider brought it along. */
  readonly span: AttemptSpan | undefined;
  stage: "running" | "settling";
  /** When its claim was extended last, on the monotonic clock. */
  claimedAtMs: number;
  cancelled: boolean;
  /** Settles when the last piece of its output is in Redis, or lost. */
  output: Promise<void> | undefined;
}

export interface SessionSettings {
  readonly lease: Lease;
  readonly taker: Taker;
  readonly maxInFlight: number;
  readonly open: OpenChannel;
  /** Absent where nothing is traced. */
  readonly traces?: NodeTraces | undefined;
  readonly monotonicMs: () => number;
  /** What waited for the provider to read has gone: there is room for calls. */
  readonly onRoom: (session: ProviderSession) => void;
  /** A call does not fit into a message for the provider; called in a later turn. */
  readonly onUndeliverable: (session: ProviderSession, call: CallInHand) => void;
}

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
  readonly #channel: ProviderChannel;
  readonly #monotonicMs: () => number;
  readonly #onUndeliverable: SessionSettings["onUndeliverable"];
  readonly #traces: NodeTraces | undefined;

  constructor(settings: SessionSettings) {
    this.lease = settings.lease;
    this.taker = settings.taker;
    this.owner = ownerOf(settings.taker);
    this.epochKey = epochKey(settings.lease.toolset, settings.lease.epoch);
    this.maxInFlight = settings.maxInFlight;
    this.#monotonicMs = settings.monotonicMs;
    this.#onUndeliverable = settings.onUndeliverable;
    this.#traces = settings.traces;
    this.lastHeardMs = this.leasedAtMs = this.heartbeatAtMs = settings.monotonicMs();
    this.#channel = settings.open({
      onRoom: () => settings.onRoom(this),
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
    if (this.#state.kind !== "ready" || this.#missedPings > mostMissed || this.#channel.saturated) return 0;
    return Math.max(0, this.maxInFlight - this.#running);
  }

  /** Whether so much waits for the provider to read that nothing should be added. */
  get saturated(): boolean {
    return this.#channel.saturated;
  }

  /** Opens the session: the welcome goes out before anything else. */
  welcome(welcome: Welcome): void {
    if (this.#state.kind !== "opening") return;
    this.#state = { kind: "ready" };
    this.#channel.welcome(welcome);
  }

  /** A call that the provider named when it attached. */
  keep(call: KeptCall): void {
    this.#hold(call, "", undefined);
    if (call.stop !== undefined) this.cancel(call.id, call.stop);
  }

  /** Sends a call. A closed session takes nothing: the provider finds the call when it attaches anew. */
  deliver(call: TakenCall, again = false): void {
    if (this.#state.kind === "closed") return;
    const place = this.#traces === undefined ? -1 : sampledPlaceIn(call.meta);
    const span = place < 0 ? undefined : this.#traced(call, place, again);
    const held = this.#hold(call, call.meta, span);
    const sent = span === undefined ? call : { ...call, meta: withTraceparent(call.meta, place, span.traceparent) };
    if (!this.#channel.deliver(sent)) {
      queueMicrotask(() => this.#onUndeliverable(this, held));
      return;
    }
    if (call.stop !== undefined) this.cancel(call.id, call.stop);
  }

  /** Sends calls that are the provider's already, and that it did not get. */
  redeliver(calls: readonly TakenCall[]): void {
    for (const call of calls) this.deliver(call, true);
  }

  #traced(call: TakenCall, place: number, redelivered: boolean): AttemptSpan | undefined {
    const { toolset, epoch, provider } = this.lease;
    return this.#traces?.attempt({
      callId: call.id,
      ...{ toolset, epoch, provider, redelivered },
      ...{ tool: call.tool, attempt: call.attempt },
      context: { traceparent: traceparentAt(call.meta, place) },
      admittedMs: parseHead(call.head).admittedMs,
      claimedMs: call.deadlineMs - call.remainingMs,
    });
  }

  #hold({ id, tool, attempt, head }: KeptCall | TakenCall, meta: string, span: AttemptSpan | undefined): CallInHand {
    this.forget(id); // an earlier attempt of it
    const call: CallInHand = {
      id,
      tool,
      attempt,
      head,
      meta,
      span,
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
    call.span?.lost("fenced");
    if (call.stage === "running") this.#running--;
  }

  /** Tells the provider that a result was dealt with. A later attempt of the call stays in hand. */
  settled(id: CallId, attempt: number, accepted: boolean): void {
    if (this.inHand.get(id)?.attempt === attempt) this.forget(id);
    this.#channel.settled(id, attempt, accepted);
  }

  /** Tells the provider to stop a call, once. */
  cancel(id: CallId, cause: CancelCause): void {
    const call = this.inHand.get(id);
    if (call === undefined || call.cancelled) return;
    call.cancelled = true;
    call.span?.cancelRequested(cause);
    this.#channel.cancel(id, call.attempt, cause);
  }

  ping(nonce: string): void {
    if (this.#state.kind === "opening" || this.#state.kind === "closed") return;
    if (this.#awaitsPong) this.#missedPings++;
    this.#awaitsPong = true;
    this.#channel.ping(nonce);
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
    this.#channel.ready();
  }

  /** Asks for a sign of life; not before the welcome, which is the first thing that a provider hears. */
  heartbeat(): void {
    if (this.#state.kind === "opening") return;
    this.heartbeatAtMs = this.#monotonicMs();
    this.#channel.heartbeat(++this.#heartbeats, false);
  }

  replyHeartbeat(sequence: number): void {
    this.#channel.heartbeat(sequence, true);
  }

  superseded(activeEpoch: Epoch, activeVersion: string): void {
    if (this.#state.kind === "opening") return; // it hears of it once it is open
    this.#channel.superseded(activeEpoch, activeVersion);
  }

  /** Output or a result came, and is held until it is in Redis: the provider has to wait while that is too much. */
  arrived(bytes: number): void {
    const wasTooMuch = this.#arrivingBytes > MOST_ARRIVING_BYTES;
    this.#arrivingBytes += bytes;
    if (!wasTooMuch && this.#arrivingBytes > MOST_ARRIVING_BYTES) this.#channel.pause();
  }

  /** What had come is in Redis, or lost. */
  handled(bytes: number): void {
    const wasTooMuch = this.#arrivingBytes > MOST_ARRIVING_BYTES;
    this.#arrivingBytes -= bytes;
    if (wasTooMuch && this.#arrivingBytes <= MOST_ARRIVING_BYTES) this.#channel.resume();
  }

  pauseOutput(pause: boolean): void {
    this.outputPaused = pause;
    this.#channel.pauseOutput(pause);
  }

  /** Takes no more calls; with a reason, the provider is asked to go. */
  drain(goAway: GoAwayCause | undefined, graceMs: number): void {
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
    if (goAway !== undefined) this.#channel.goAway(goAway, graceMs);
  }

  /** Ends the session and its stream. */
  close(reason: string, error?: unknown): void {
    if (this.#state.kind === "closed") return;
    this.#state = { kind: "closed", reason };
    if (this.#traces !== undefined) for (const call of this.inHand.values()) call.span?.lost("provider_detached");
    this.inHand.clear();
    this.#running = 0;
    this.#channel.close(error);
  }
}
