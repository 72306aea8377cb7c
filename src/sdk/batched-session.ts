import { ChurnMap } from "../async/churn-map.js";
import { deferred } from "../async/deferred.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { RawJson } from "../json/raw-json.js";
import type { CallHandle__Output } from "../protocol/generated/toolgate/v1/CallHandle.js";
import type { CallSpec } from "../protocol/generated/toolgate/v1/CallSpec.js";
import type { OutputDelta__Output } from "../protocol/generated/toolgate/v1/OutputDelta.js";
import type { SessionResponse__Output } from "../protocol/generated/toolgate/v1/SessionResponse.js";
import { AgentLink } from "./agent-link.js";
import { readDelta, readTerminal, refusalOf, resultOf } from "./call-from-wire.js";
import type { InvokeOptions } from "./call-options.js";
import { type DecodeJson, decodeRaw } from "./json-bytes.js";
import { allowMany } from "./linked-signal.js";
import type { Nodes } from "./nodes.js";
import type { PayloadCheck } from "./payload-check.js";
import { type PreparedCall, prepareCall, repeatOf } from "./prepare-call.js";
import { MAX_SENDS, mayRetryElsewhere } from "./request.js";
import type { OutgoingSpan } from "./sdk-spans.js";
import type { CallTerminal, RejectedTerminal } from "./terminal.js";
import { settlesWithin, type Timing } from "./timing.js";
import type { AgentSession, AsRaw } from "./toolgate.js";
import { tracing } from "./tracing.js";

/**
 * Many calls over one stream, which is opened with the first call and again, on another node, after a loss.
 *
 * A call is *waiting* (for a stream) or *sent* (on one). When a stream is lost, what was sent on it goes back to waiting
 * if it can be repeated: its ids make the repeat the same call, and the gateway attaches it to the one that runs, or
 * answers with its terminal. What cannot be repeated fails, and says that the tool may have run. What was waiting was
 * never sent, so it may always be sent.
 *
 * A node that is stopping says so: no new calls go there, what it has ends there, and then its stream is closed.
 */

/** How long after a call's deadline its terminal is waited for, in milliseconds; nodes promise one second. */
const OVERDUE_MS = 5000;
/** How often waiting and overdue calls are looked at, in milliseconds. */
const SWEEP_MS = 250;

/** What the session needs besides nodes. */
export interface SessionSetup {
  readonly nodes: Nodes;
  readonly timing: Timing;
  readonly patienceMs: number;
  readonly runId: string;
  /** Reads results, output and details that are not asked for as RawJson. */
  readonly decode: DecodeJson;
  readonly payloads: PayloadCheck;
  /** Receives handles that may have warnings; must not throw. */
  readonly warn: (handle: CallHandle__Output) => void;
  /** Cancels a call of which only the id is left; must not throw. */
  readonly cancelById: (callId: string) => Promise<void>;
  /** Told when the session has been closed. */
  readonly onClose: (session: AgentSession) => void;
}

type Stage =
  | { readonly kind: "waiting"; readonly sinceMs: number }
  | { readonly kind: "sent"; readonly link: AgentLink }
  | { readonly kind: "over" };

interface Pending {
  readonly ref: number;
  readonly call: PreparedCall;
  readonly wantHandle: boolean;
  readonly decode: DecodeJson;
  readonly onDelta: InvokeOptions["onDelta"];
  /** Cursors of the output that was passed on: a stream that was opened again may tell them again. */
  readonly seen: Set<string> | undefined;
  /** When the caller's time is over, by the monotonic clock. */
  readonly endsAtMs: number | undefined;
  readonly settle: (outcome: Outcome) => void;
  stage: Stage;
  sends: number;
  /** Nodes that were lost with it under way; the next node receives the count. */
  lostNodes: number;
  /** It was sent on a stream that was lost: what refuses a repeat says nothing about that one. */
  mayHaveRun: boolean;
  callId: string | undefined;
  lastLoss: ToolgateError | undefined;
  readonly span: OutgoingSpan | undefined;
}

type Outcome =
  | { readonly kind: "ended"; readonly terminal: CallTerminal }
  | { readonly kind: "failed"; readonly error: unknown };

type State =
  | { readonly kind: "idle" }
  /** Looking for a node; `stop` gives the search up. */
  | { readonly kind: "opening"; readonly stop: AbortController }
  | { readonly kind: "open"; readonly link: AgentLink }
  | { readonly kind: "closed"; readonly done: Promise<void> };

export class BatchedSession implements AgentSession {
  readonly #setup: SessionSetup;
  readonly #calls = new ChurnMap<number, Pending>();
  /** Streams, each with the calls on it that were cancelled and whose end it has not reported: by number, with the id. */
  readonly #links = new Map<AgentLink, Map<number, string | undefined>>();
  readonly #cancellations = new Set<Promise<void>>();
  #state: State = { kind: "idle" };
  #nextRef = 1;
  #renewedKey = false;
  #sweep: NodeJS.Timeout | undefined;

  constructor(setup: SessionSetup) {
    this.#setup = setup;
  }

  get inFlight(): number {
    return this.#calls.size;
  }

  invoke(toolset: string, tool: string, payload: unknown, options: InvokeOptions<RawJson> & AsRaw): Promise<RawJson>;
  invoke<Result = unknown>(toolset: string, tool: string, payload?: unknown, options?: InvokeOptions): Promise<Result>;
  invoke<Result>(
    toolset: string,
    tool: string,
    payload?: unknown,
    options: InvokeOptions & Partial<AsRaw> = {},
  ): Promise<Result> {
    const span = tracing()?.call(toolset, tool, options);
    if (span === undefined) return this.#invoke<Result>(toolset, tool, payload, options, undefined);
    return span.over(this.#invoke<Result>(toolset, tool, payload, { ...options, ...span.context }, span));
  }

  async #invoke<Result>(
    toolset: string,
    tool: string,
    payload: unknown,
    options: InvokeOptions & Partial<AsRaw>,
    span: OutgoingSpan | undefined,
  ): Promise<Result> {
    options.signal?.throwIfAborted();
    if (this.#isClosed()) throw closedError("no");
    const call = prepareCall(toolset, tool, payload, options, this.#setup.runId);
    const fits = this.#setup.payloads.fits(call.payloadBytes);
    if (fits !== undefined) {
      await fits;
      options.signal?.throwIfAborted();
      if (this.#isClosed()) throw closedError("no");
    }
    const terminal = await this.#run(call, options, span);
    if (span !== undefined) tellSpan(span, terminal);
    if (terminal.kind === "result" && terminal.unchecked) options.onUnchecked?.(terminal.callId);
    return resultOf(terminal) as Result; // the caller's word, as the docstring says
  }

  #isClosed(): boolean {
    return this.#state.kind === "closed";
  }

  #run(
    call: PreparedCall,
    { signal, onDelta, raw }: InvokeOptions & Partial<AsRaw>,
    span: OutgoingSpan | undefined,
  ): Promise<CallTerminal> {
    return new Promise((resolve, reject) => {
      const now = this.#setup.timing.monotonicMs();
      const onAbort = () => this.#abandon(pending, signal?.reason);
      const pending: Pending = {
        ref: this.#nextRef++,
        call,
        wantHandle: signal !== undefined,
        decode: raw === true ? decodeRaw : this.#setup.decode,
        onDelta,
        seen: onDelta === undefined ? undefined : new Set(),
        endsAtMs: call.timeoutMs === undefined ? undefined : now + call.timeoutMs,
        settle: (outcome) => {
          signal?.removeEventListener("abort", onAbort);
          if (outcome.kind === "ended") resolve(outcome.terminal);
          else reject(outcome.error);
        },
        stage: { kind: "waiting", sinceMs: now },
        sends: 0,
        lostNodes: 0,
        mayHaveRun: false,
        callId: undefined,
        lastLoss: undefined,
        span,
      };
      if (signal !== undefined) {
        allowMany(signal);
        signal.addEventListener("abort", onAbort, { once: true });
      }
      this.#calls.set(pending.ref, pending);
      this.#sweep ??= setInterval(() => this.#sweepCalls(), SWEEP_MS);
      // None of its time has passed.
      if (this.#state.kind === "open") this.#sendAs(call.spec, pending, this.#state.link);
      else this.#open();
    });
  }

  /** Finds a node and opens a stream, unless that is under way. */
  #open(): void {
    if (this.#state.kind !== "idle") return;
    const stop = new AbortController();
    this.#state = { kind: "opening", stop };
    // How long each call may wait for it is for the sweep to say.
    this.#setup.nodes.acquire({ signal: stop.signal, giveUpAtMs: Number.POSITIVE_INFINITY }).then(
      (node) => {
        if (this.#state.kind !== "opening" || this.#state.stop !== stop) return;
        const link = new AgentLink(node, {
          frame: (from, frame) => this.#receive(from, frame),
          gone: (from, error, unsent) => this.#lost(from, error, unsent),
        });
        this.#links.set(link, new Map());
        this.#state = { kind: "open", link };
        for (const pending of this.#calls.values()) if (pending.stage.kind === "waiting") this.#send(pending, link);
      },
      (error: unknown) => {
        if (this.#state.kind !== "opening" || this.#state.stop !== stop) return;
        this.#state = { kind: "idle" };
        for (const pending of this.#calls.values()) if (pending.stage.kind === "waiting") this.#fail(pending, error);
      },
    );
  }

  #send(pending: Pending, link: AgentLink): void {
    const { call, endsAtMs, lostNodes } = pending;
    const leftMs = endsAtMs === undefined ? undefined : endsAtMs - this.#setup.timing.monotonicMs();
    this.#sendAs(repeatOf(call, leftMs, lostNodes), pending, link);
  }

  #sendAs(spec: CallSpec, pending: Pending, link: AgentLink): void {
    const { ref, wantHandle } = pending;
    pending.stage = { kind: "sent", link };
    pending.sends += 1;
    const wantDeltas = pending.onDelta !== undefined;
    link.call(ref, { ref, call: spec, wantHandle, wantDeltas }, pending.call.bytes);
  }

  #receive(link: AgentLink, frame: SessionResponse__Output): void {
    this.#setup.nodes.succeeded(link.node);
    this.#renewedKey = false;
    const cancelled = this.#links.get(link);
    for (const { ref, handle } of frame.accepted) {
      const pending = this.#on(link, ref);
      if (pending !== undefined && handle !== null) {
        pending.callId = handle.callId;
        this.#setup.warn(handle);
      }
      if (cancelled?.has(ref) === true) cancelled.set(ref, handle?.callId);
    }
    for (const { ref, delta } of frame.deltas) {
      const pending = this.#on(link, ref);
      if (pending !== undefined && delta !== null) this.#passOn(pending, link, delta);
    }
    for (const { ref, terminal } of frame.terminals) {
      cancelled?.delete(ref);
      const pending = this.#on(link, ref);
      if (pending === undefined || terminal === null) continue;
      const read = readTerminal(terminal, pending.decode);
      if (read.kind === "rejected" && this.#sentElsewhere(pending, link, read)) continue;
      const refused = read.kind === "rejected" && pending.mayHaveRun;
      this.#finish(pending, { kind: "ended", terminal: refused ? { ...read, executed: "unknown" } : read });
    }
    if (frame.goAway) this.#leave(link, "the node is stopping");
    this.#closeIfDone(link);
  }

  /** The call of that number, if it was sent on that stream and is not over. */
  #on(link: AgentLink, ref: number): Pending | undefined {
    const pending = this.#calls.get(ref);
    return pending?.stage.kind === "sent" && pending.stage.link === link ? pending : undefined;
  }

  #passOn(pending: Pending, link: AgentLink, wire: OutputDelta__Output): void {
    if (pending.onDelta === undefined || pending.seen?.has(wire.cursor) === true) return;
    pending.seen?.add(wire.cursor);
    const delta = readDelta(wire, pending.decode);
    try {
      pending.onDelta(delta.data, delta);
    } catch (error) {
      this.#cancelOn(link, pending);
      this.#fail(pending, error);
    }
  }

  /** Whether a refused call goes to another node: the one that refused it is stopping. */
  #sentElsewhere(pending: Pending, link: AgentLink, terminal: RejectedTerminal): boolean {
    const refusal = refusalOf(terminal);
    if (!mayRetryElsewhere(refusal, pending.call.repeatable) || pending.sends >= MAX_SENDS) return false;
    pending.lastLoss = refusal;
    this.#leave(link, refusal.message);
    this.#wait(pending);
    return true;
  }

  /** No new calls on this stream. */
  #leave(link: AgentLink, cause: string): void {
    this.#setup.nodes.failed(link.node, cause);
    this.#forget(link);
  }

  /** The next call opens another stream than this one. */
  #forget(link: AgentLink): void {
    if (this.#state.kind !== "open" || this.#state.link !== link) return;
    this.#state = { kind: "idle" };
  }

  #lost(link: AgentLink, error: ToolgateError | undefined, unsent: ReadonlySet<number>): void {
    const cancelled = this.#links.get(link);
    this.#links.delete(link);
    for (const callId of cancelled?.values() ?? []) if (callId !== undefined) this.#cancelById(callId);
    if (this.#state.kind === "closed") return;
    const cause = error ?? new ToolgateError("NODE_UNREACHABLE", `The node ${link.node.address} ended the session.`);
    const renewed = this.#renewKey(link, cause);
    if (renewed) this.#forget(link);
    else this.#leave(link, cause.message);
    for (const pending of this.#calls.values()) {
      if (pending.stage.kind !== "sent" || pending.stage.link !== link) continue;
      if (unsent.has(pending.ref) || (renewed && !link.heard)) pending.sends -= 1;
      else {
        pending.mayHaveRun = true;
        if (error?.reason === "NODE_UNREACHABLE") pending.lostNodes += 1;
      }
      this.#afterLoss(pending, cause, renewed);
    }
  }

  /** Whether the stream was refused for its credential, and there may be another one by now; once, until a stream lives again. */
  #renewKey(link: AgentLink, { reason }: ToolgateError): boolean {
    if (reason !== "UNAUTHENTICATED" || this.#renewedKey || !link.node.renewKey(link.keyVersion)) return false;
    this.#renewedKey = true;
    return true;
  }

  #afterLoss(pending: Pending, cause: ToolgateError, renewed: boolean): void {
    const repeatable = pending.call.repeatable || pending.sends === 0;
    if ((renewed || isPassing(cause)) && repeatable && pending.sends < MAX_SENDS) {
      pending.lastLoss = cause;
      this.#wait(pending);
      return;
    }
    const executed = pending.sends === 0 ? "no" : "unknown";
    this.#fail(pending, new ToolgateError(cause.reason, cause.message, { executed, cause }));
  }

  #wait(pending: Pending): void {
    pending.stage = { kind: "waiting", sinceMs: this.#setup.timing.monotonicMs() };
    pending.span?.retried(pending.lastLoss?.reason ?? "NODE_UNREACHABLE");
    if (this.#state.kind === "open") this.#send(pending, this.#state.link);
    else this.#open();
  }

  #closeIfDone(link: AgentLink): void {
    if (this.#state.kind === "open" && this.#state.link === link) return;
    for (const { stage } of this.#calls.values()) if (stage.kind === "sent" && stage.link === link) return;
    void link.close();
  }

  /** The caller has aborted: the call is cancelled wherever it is, without waiting for that. */
  #abandon(pending: Pending, reason: unknown): void {
    const { stage, callId } = pending;
    if (stage.kind === "sent") this.#cancelOn(stage.link, pending);
    else if (callId !== undefined) this.#cancelById(callId);
    this.#fail(pending, reason);
  }

  /** Cancels a call on its stream; should the stream be lost before it reports the call's end, by id. */
  #cancelOn(link: AgentLink, { ref, callId }: Pending): void {
    link.cancel(ref);
    this.#links.get(link)?.set(ref, callId);
  }

  #cancelById(callId: string): void {
    const cancellation = this.#setup.cancelById(callId).finally(() => this.#cancellations.delete(cancellation));
    this.#cancellations.add(cancellation);
  }

  #fail(pending: Pending, error: unknown): void {
    this.#finish(pending, { kind: "failed", error });
  }

  #finish(pending: Pending, outcome: Outcome): void {
    if (pending.stage.kind === "over") return;
    const { stage } = pending;
    pending.stage = { kind: "over" };
    this.#calls.delete(pending.ref);
    pending.settle(outcome);
    if (stage.kind === "sent" && this.#state.kind !== "closed") this.#closeIfDone(stage.link);
    if (this.#calls.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
    if (this.#state.kind === "opening") {
      this.#state.stop.abort();
      this.#state = { kind: "idle" };
    }
  }

  #sweepCalls(): void {
    const now = this.#setup.timing.monotonicMs();
    for (const pending of this.#calls.values()) {
      const { stage, endsAtMs, sends, lastLoss } = pending;
      const executed = sends === 0 ? "no" : "unknown";
      if (stage.kind === "waiting" && now - stage.sinceMs > this.#setup.patienceMs) {
        this.#fail(pending, this.#setup.nodes.unreachable(executed, lastLoss));
      } else if (endsAtMs !== undefined && now > endsAtMs + OVERDUE_MS) {
        const message = `The call's time was over ${OVERDUE_MS} ms ago, and no node said how it ended.`;
        this.#fail(pending, new ToolgateError("DEADLINE_EXCEEDED", message, { executed, cause: lastLoss }));
      }
    }
  }

  close(): Promise<void> {
    if (this.#state.kind === "closed") return this.#state.done;
    if (this.#state.kind === "opening") this.#state.stop.abort();
    const { promise: done, resolve } = deferred<void>();
    this.#state = { kind: "closed", done };
    void this.#end().finally(() => resolve());
    return done;
  }

  async #end(): Promise<void> {
    for (const pending of this.#calls.values()) {
      const { stage, call, callId, sends } = pending;
      if (call.ownIds || !call.repeatable) {
        if (stage.kind === "sent") this.#cancelOn(stage.link, pending);
        else if (callId !== undefined) this.#cancelById(callId);
      }
      this.#fail(pending, closedError(sends === 0 ? "no" : "unknown"));
    }
    await Promise.all([...this.#links.keys()].map((link) => link.close()));
    await settlesWithin(Promise.all(this.#cancellations), 1000);
    this.#setup.onClose(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Whether another stream may fare better. */
function isPassing(error: ToolgateError): boolean {
  return mayRetryElsewhere(error, true) || error.reason === "LIMIT_EXCEEDED" || error.reason === "STORE_UNAVAILABLE";
}

function tellSpan(span: OutgoingSpan, terminal: CallTerminal): void {
  span.named(terminal.callId);
  span.ended({ kind: terminal.kind, reason: terminal.kind === "result" ? "" : terminal.reason });
}

function closedError(executed: "no" | "unknown"): ToolgateError {
  return new ToolgateError("CANCELLED", "The client was closed before the call had ended.", { executed });
}
