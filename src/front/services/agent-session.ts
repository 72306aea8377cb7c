import type { Identity } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import { ChurnMap } from "../../async/churn-map.js";
import { deferred } from "../../async/deferred.js";
import { MESSAGE_OVERHEAD_BYTES as MOST_OVERHEAD_BYTES, USUAL_MESSAGE_BYTES } from "../../config/message-limits.js";
import type { Executed } from "../../errors/codes.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { parseChannelBytes } from "../../frames/channel-bytes.js";
import { checkFrameSize } from "../../frames/frame-size.js";
import { type FrameSink, FrameWriter } from "../../frames/frame-writer.js";
import { frameOfLists, type ListItem } from "../../frames/list-items.js";
import { type AwaitSettings, EndingWatch, type Waiter } from "../../gateway/await-ending.js";
import { isOthers, requireStillFollowed } from "../../gateway/call-access.js";
import type { CallSpec } from "../../gateway/call-spec.js";
import { followCall } from "../../gateway/follow-call.js";
import type { GatewayParts } from "../../gateway/gateway-parts.js";
import { callIdOf, placeCall } from "../../gateway/place-call.js";
import { type TracedSpec, traceCall } from "../../gateway/traced-call.js";
import { unknownCall } from "../../gateway/unknown-call.js";
import type { CallId } from "../../identity/call-id.js";
import { callerName } from "../../identity/caller-name.js";
import type { Principal } from "../../identity/principal.js";
import { shareKey } from "../../limits/share-key.js";
import type { CallSpan } from "../../observe/traces/node-spans.js";
import type { SessionCall__Output } from "../../protocol/generated/toolgate/v1/SessionCall.js";
import type { SessionRequest__Output } from "../../protocol/generated/toolgate/v1/SessionRequest.js";
import type { SessionResponse } from "../../protocol/generated/toolgate/v1/SessionResponse.js";
import type { Terminal } from "../../protocol/generated/toolgate/v1/Terminal.js";
import { loadProtocol } from "../../protocol/load.js";
import type { CallHead, Ending, SaidEnding } from "../../store/calls/call-record.js";
import { readCallSpec } from "./read-call-spec.js";
import { writeHandle } from "./write-handle.js";
import { writeRejection, writeTerminal } from "./write-terminal.js";

/**
 * One call on a session.
 *
 *   placing ──admitted──▶ running ──▶ over
 *
 * A cancellation that comes while the call is being placed ends the check of its payload, or is carried out once it is admitted.
 * A call is also running while its end is known, and the agent has to read others first.
 */
type CallState = "placing" | "running" | "over";

class SessionCallEntry implements Waiter {
  readonly session: AgentSession;
  /** The agent's own number: a bigint from 2^53 on (see `WideIntegers`), so it is only compared and sent back. */
  readonly ref: number;
  readonly id: CallId;
  /** The rest of what it asked for is let go of once it is placed: its payload may be large, and it may run for long. */
  readonly continueOnDisconnect: boolean;
  readonly leave: () => void;
  /** Only a call that is traced has one. */
  readonly span: CallSpan | undefined;
  watch: EndingWatch;
  /** Ends the reading of its output; only a call that is followed has one. */
  followed: AbortController | undefined;
  state: CallState = "placing";
  cancelled = false;
  /** Made when it is asked for: most calls are placed at once. */
  #aborter: AbortController | undefined;

  constructor(
    session: AgentSession,
    awaiting: AwaitSettings,
    call: Pick<SessionCallEntry, "ref" | "id" | "continueOnDisconnect" | "leave" | "span">,
  ) {
    this.session = session;
    this.ref = call.ref;
    this.id = call.id;
    this.continueOnDisconnect = call.continueOnDisconnect;
    this.leave = call.leave;
    this.span = call.span;
    this.watch = new EndingWatch(awaiting, call.id, this);
  }

  /** Aborted when nothing waits for the call to be placed any more. */
  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.cancelled || this.state === "over") this.#aborter.abort();
    return this.#aborter.signal;
  }

  /** While it is being placed: its agent has gone, or has cancelled it. */
  abortPlacing(): void {
    this.#aborter?.abort();
  }

  ended(ending: SaidEnding): void {
    this.session.ended(this, ending);
  }

  lost(error: ToolgateError): void {
    this.session.refuse(this, error);
  }
}

const EMPTY = Buffer.alloc(0);
/** Waiting bytes above which what can wait in Redis does. */
const SATURATED_BYTES = 2 * 1_048_576;

/** The error for an agent whose channel does not take what it should get. */
function tooLarge(what: string, executed: Executed): ToolgateError {
  const message = `${what}, more than a message to this channel may have (max_message_bytes): let it take more, and follow the call`;
  return new ToolgateError("MESSAGE_TOO_LARGE", message, { executed });
}

/** A terminal in place of one that is too large: how the call ended can be read through another channel. */
function oversizedTerminal(terminal: Terminal, bytes: number): Terminal {
  const { error } = writeRejection(tooLarge(`the call has ended, and its end has ${bytes} bytes`, "unknown"));
  return { ...terminal, kind: "TERMINAL_KIND_REJECTED", error: error ?? null, resultJson: EMPTY, unchecked: false };
}

export interface AgentSessionSettings {
  readonly parts: GatewayParts;
  /** The agent, and what it may do: asked for anew with each call. */
  readonly caller: { readonly principal: Principal; readonly access: CallerAccess; readonly identity?: Identity };
  readonly peer: string;
  readonly sink: FrameSink<SessionResponse>;
  /** What may wait for an agent that does not read, in bytes. */
  readonly budgetBytes: number;
  /** Ends the stream with an error. */
  readonly fail: (error: ToolgateError) => void;
  /** Ends the stream well. */
  readonly end: () => void;
}

/** Roughly what a message takes in a frame besides its JSON, in bytes. */
const MESSAGE_OVERHEAD_BYTES = 160;
/** An end that is larger waits in Redis while the agent reads too slowly, in bytes; of smaller ones all find room. */
const SMALL_END_BYTES = 1_024;
/** How many ends a session reads at once: the agent is to take one while others come. */
const READ_AT_ONCE = 4;

/** The most calls that may have been admitted; beyond, the oldest are forgotten: they have ended, or do so by themselves. */
const MAX_UNCONFIRMED = 10_000;

/**
 * Many calls of one agent on one stream.
 *
 * However much ends at once, an agent that reads gets all of it: above what may wait, output is read from Redis no faster than
 * the agent reads, and large ends are left there until there is room.
 */
export class AgentSession {
  readonly #settings: AgentSessionSettings;
  readonly #writer: FrameWriter<ListItem<SessionResponse>, SessionResponse>;
  readonly #calls = new ChurnMap<number, SessionCallEntry>();
  /** Those that are another principal's: a repeat came to them. */
  readonly #others = new Map<SessionCallEntry, CallHead>();
  readonly #checkCall = loadProtocol().unknownEnums.checkOf("SessionCall");
  /** Calls whose admission is not known; those of them that end with their agent. */
  readonly #unconfirmed: CallId[] = [];
  /** Calls that have ended, and whose ends are in Redis. */
  readonly #deferredEndings: SessionCallEntry[] = [];
  /** Aborted when the stream is over. */
  readonly #closed = new AbortController();
  /** The largest message that the agent's channel takes, in bytes; its first frame says so. */
  #channelBytes: number | undefined;
  #flushing = 0;
  #leaving = false;
  #room = deferred();

  constructor(settings: AgentSessionSettings) {
    this.#settings = settings;
    this.#writer = new FrameWriter({
      sink: settings.sink,
      frameOf: frameOfLists<SessionResponse>,
      schedule: process.nextTick,
      saturatedBytes: SATURATED_BYTES,
      onRoom: () => this.#gotRoom(),
      budgetBytes: settings.budgetBytes,
      onOverflow: () =>
        settings.fail(
          new ToolgateError(
            "LIMIT_EXCEEDED",
            "the session's reader is too slow: too much waits for it; read faster, or follow the calls",
            { executed: "unknown" },
          ),
        ),
    });
  }

  onFrame(frame: SessionRequest__Output): void {
    this.#channelBytes ??= parseChannelBytes(frame.maxMessageBytes, "max_message_bytes");
    checkFrameSize({ calls: frame.calls, cancels: frame.cancels });
    for (const call of frame.calls) this.#call(call);
    for (const { ref } of frame.cancels) this.#cancel(ref);
  }

  /** The node is stopping: calls in flight still end here. */
  goAway(): void {
    this.#writer.sendNow({ goAway: true });
    this.finish();
  }

  /** No more calls come: the stream ends with the last one in flight. */
  finish(): void {
    this.#leaving = true;
    this.#endIfDone();
  }

  /** What the agent may do has changed: it waits no longer for others' calls that it may not follow any more. */
  recheck(access: CallerAccess): void {
    for (const [call, head] of [...this.#others]) {
      try {
        requireStillFollowed(access, head, this.#settings.parts.placing.catalog);
      } catch (error) {
        this.refuse(call, toToolgateError(error));
      }
    }
  }

  /** The stream is over: what the agent left behind goes on or is cancelled, as each call says. */
  close(): void {
    for (const call of this.#calls.values()) {
      const admitted = call.state === "running";
      this.#forget(call);
      call.span?.left();
      call.abortPlacing();
      if (call.continueOnDisconnect) continue;
      // One that is still being placed is cancelled once it is admitted.
      call.cancelled = true;
      if (admitted) this.#cancelOwn(call.id);
    }
    for (const id of this.#unconfirmed.splice(0)) this.#cancelOwn(id);
    this.#writer.close();
    this.#closed.abort();
    this.#room.resolve();
  }

  /** Cancels a call of this agent's. */
  #cancelOwn(id: CallId): void {
    this.#settings.parts.cancel(id, callerName(this.#settings.caller.principal));
  }

  #call(wire: SessionCall__Output): void {
    let leave = (): void => {};
    let traced: TracedSpec | undefined;
    try {
      if (this.#calls.has(wire.ref))
        throw new ToolgateError("INVALID_REQUEST", `ref ${wire.ref} is in use by an unfinished call`);
      this.#checkCall?.(wire);
      const { parts, caller, peer } = this.#settings;
      leave = parts.enter(shareKey(caller.principal, peer));
      let spec = readCallSpec(wire.call, {}, caller.principal.tenant);
      traced = traceCall(parts.traces, "Session", spec);
      if (traced !== undefined) spec = traced.spec;
      const id = callIdOf(parts.placing, caller.principal, spec);
      const call = new SessionCallEntry(this, parts.awaiting, {
        ref: wire.ref,
        id,
        continueOnDisconnect: spec.continueOnDisconnect,
        leave,
        span: traced?.span,
      });
      this.#calls.set(wire.ref, call);
      void this.#place(call, spec, wire);
    } catch (error) {
      leave();
      const refused = toToolgateError(error);
      traced?.span.failed(refused.reason);
      this.#terminal(wire.ref, writeRejection(refused));
    }
  }

  async #place(call: SessionCallEntry, spec: CallSpec, wire: SessionCall__Output): Promise<void> {
    const { parts, peer } = this.#settings;
    const { principal, access, identity } = this.#settings.caller;
    try {
      const answerWithinMs = spec.timeoutMs === 0 ? undefined : spec.timeoutMs;
      const caller = { principal, access, identity, peer, remainingMs: undefined, answerWithinMs, presence: call };
      const placed = await placeCall(parts.placing, caller, call.id, spec, {
        subscribe: true,
        acknowledge: wire.wantHandle,
      });
      call.span?.admitted(call.id, placed.head.epoch, placed.repeated);
      if (call.cancelled) this.#cancelOwn(call.id);
      if (call.state === "over") return;
      call.state = "running";
      const { head, warnings } = placed;
      const { access: now } = this.#settings.caller;
      if (isOthers(now, head)) {
        requireStillFollowed(now, head, parts.placing.catalog);
        this.#others.set(call, head);
      }
      if (wire.wantHandle || warnings.length > 0) this.#accepted(call, head, warnings);
      if (wire.wantDeltas) void this.#follow(call, placed.head);
      else call.watch.admitted(placed.head, placed.ending);
    } catch (error) {
      let refused = toToolgateError(error);
      if (refused.executed !== "no") this.#noteUnconfirmed(call);
      else if (call.cancelled && refused.reason === "VERDICT_UNAVAILABLE")
        refused = new ToolgateError("CANCELLED", "the call was cancelled before it was admitted");
      this.refuse(call, refused);
    }
  }

  /** Whether a call was admitted is not known: it is cancelled if that is asked already, else when its agent goes. */
  #noteUnconfirmed(call: SessionCallEntry): void {
    if (call.cancelled) this.#cancelOwn(call.id);
    else if (!call.continueOnDisconnect) this.#unconfirmed.push(call.id);
    if (this.#unconfirmed.length > MAX_UNCONFIRMED) this.#unconfirmed.shift();
  }

  /** Output and the end in one order: the end comes from the same reading as the output before it. */
  async #follow(call: SessionCallEntry, head: CallHead): Promise<void> {
    const { parts } = this.#settings;
    call.watch.stop();
    const followed = new AbortController();
    call.followed = followed;
    try {
      const reader = { client: this.#share, signal: followed.signal };
      for await (const step of followCall(parts.following, call.id, "", reader)) {
        if (call.state === "over") return;
        if (step.kind === "ended") return this.ended(call, step.ending);
        for (const delta of step.deltas) {
          while (this.#writer.saturated) await this.#room.promise;
          if (followed.signal.aborted) return;
          if (!this.#fits(delta.data.length)) {
            const what = `a piece of the call's output has ${delta.data.length} bytes`;
            return this.refuse(call, tooLarge(what, "unknown"));
          }
          const message = {
            ref: call.ref,
            delta: { cursor: delta.cursor, dataJson: delta.data, attempt: delta.attempt },
          };
          this.#writer.push({ list: "deltas", message, bytes: MESSAGE_OVERHEAD_BYTES + delta.data.length });
        }
      }
    } catch {
      // Redis is away. The end is still waited for, and the agent can follow the call from its last cursor.
      if (call.state === "over") return;
      call.watch = new EndingWatch(parts.awaiting, call.id, call);
      call.watch.admitted(head, undefined);
    }
  }

  #cancel(ref: number): void {
    const call = this.#calls.get(ref);
    if (call === undefined || call.cancelled) return;
    call.cancelled = true;
    if (call.state === "running") this.#cancelOwn(call.id);
    else call.abortPlacing();
  }

  #accepted(call: SessionCallEntry, head: CallHead, warnings: readonly string[]): void {
    const handle = writeHandle(call.id, head, this.#settings.caller.principal.tenant, warnings);
    this.#writer.push({ list: "accepted", message: { ref: call.ref, handle }, bytes: MESSAGE_OVERHEAD_BYTES * 2 });
  }

  /** In whose turns it reads: its connection's. */
  get #share(): string {
    return shareKey(this.#settings.caller.principal, this.#settings.peer);
  }

  /** A call has ended. */
  ended(call: SessionCallEntry, ending: SaidEnding): void {
    if (call.state === "over") return;
    if (
      ending.kind === "large" ||
      (ending.body.length > SMALL_END_BYTES && (this.#writer.saturated || this.#deferredEndings.length > 0))
    ) {
      this.#deferredEndings.push(call);
      void this.#flushDeferred();
    } else this.#sendEnding(call, ending);
  }

  /** Fetches the ends that wait in Redis, a few at once, as there is room for them. */
  async #flushDeferred(): Promise<void> {
    if (this.#flushing >= READ_AT_ONCE) return;
    this.#flushing++;
    const reader = { client: this.#share, signal: this.#closed.signal };
    for (;;) {
      while (this.#writer.saturated) await this.#room.promise;
      const call = this.#deferredEndings.shift();
      if (call === undefined) break;
      if (call.state === "over") continue;
      try {
        const ending = await this.#settings.parts.readings.ending(call.id, reader);
        if (ending === undefined) throw unknownCall(call.id);
        // There was room when it was asked for.
        this.#sendEnding(call, ending, true);
      } catch (error) {
        const { message } = toToolgateError(error);
        const unread = `the call has ended, and its end cannot be read now (${message}); follow it later`;
        this.refuse(call, new ToolgateError("STORE_UNAVAILABLE", unread, { executed: "unknown" }));
      }
    }
    this.#flushing--;
  }

  #gotRoom(): void {
    const { resolve } = this.#room;
    this.#room = deferred();
    resolve();
  }

  #sendEnding(call: SessionCallEntry, ending: Ending, unbudgeted = false): void {
    if (call.state === "over") return;
    this.#forget(call);
    call.span?.ended(ending);
    this.#terminal(call.ref, writeTerminal(call.id, ending), unbudgeted);
  }

  /** A call was refused, or what became of it cannot be learnt. */
  refuse(call: SessionCallEntry, error: ToolgateError): void {
    if (call.state === "over") return;
    this.#forget(call);
    call.span?.failed(error.reason);
    this.#terminal(call.ref, { ...writeRejection(error), callId: error.executed === "no" ? "" : call.id });
  }

  #terminal(ref: number, terminal: Terminal, unbudgeted = false): void {
    const { resultJson, error } = terminal;
    const bytes = (resultJson?.length ?? 0) + (error?.detailsJson?.length ?? 0);
    if (!this.#fits(bytes)) {
      const message = { ref, terminal: oversizedTerminal(terminal, bytes) };
      this.#writer.push({ list: "terminals", message, bytes: MESSAGE_OVERHEAD_BYTES * 4 });
    } else {
      const item = { list: "terminals", message: { ref, terminal }, bytes: MESSAGE_OVERHEAD_BYTES + bytes } as const;
      if (unbudgeted) this.#writer.pushUnbudgeted(item);
      else this.#writer.push(item);
    }
    this.#endIfDone();
  }

  /** Whether JSON of this many bytes fits into a message, with all that goes around it. A larger one would end the session. */
  #fits(bytes: number): boolean {
    return bytes + MOST_OVERHEAD_BYTES <= (this.#channelBytes ?? USUAL_MESSAGE_BYTES);
  }

  #endIfDone(): void {
    if (!this.#leaving || this.#calls.size > 0) return;
    // Not before an agent that reads slowly has been sent all of it: a stream that has ended sends nothing.
    this.#writer.onDrained(() => {
      if (this.#calls.size === 0) this.#settings.end();
    });
  }

  #forget(call: SessionCallEntry): void {
    call.state = "over";
    call.watch.stop();
    call.followed?.abort();
    call.leave();
    this.#calls.delete(call.ref);
    this.#others.delete(call);
  }
}
