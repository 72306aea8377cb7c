import type { Metadata } from "@grpc/grpc-js";
import type { AccessControl, Credentials, Identity } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import { NOBODY } from "../../access/nobody.js";
import type { Recheck, RpcRule } from "../../access/rpc-rules.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Principal } from "../../identity/principal.js";
import type { FairQuota } from "../../limits/fair-quota.js";
import type { Logger } from "../../observe/logger.js";
import { toServiceError, type WireError } from "../../protocol/status-details.js";
import { readTraceContext, type TraceContext } from "./trace-context.js";

/** What a handler knows of the call that it serves, beside the request. */
export interface CallContext extends TraceContext {
  /** The RPC, as in `/toolgate.v1.Gateway/Invoke`. */
  readonly path: string;
  /** The caller, and the credential by which it proved that. */
  readonly identity: Identity;
  /** The caller: that of `identity`. */
  readonly principal: Principal;
  /** What the caller may do as of now: ask for it anew for each decision. */
  readonly access: CallerAccess;
  /** `host:port` of the connection's other end. */
  readonly peer: string;
  readonly metadata: Metadata;
  /** What is left until the caller's deadline, in milliseconds, never below 0; undefined when it set none. */
  readonly deadlineMs: number | undefined;
  /**
   * Aborted when the caller waits no longer. The reason is a ToolgateError: CANCELLED when the caller went or cancelled,
   * DEADLINE_EXCEEDED when its deadline passed, NODE_DRAINING when the node stops.
   */
  readonly signal: AbortSignal;
  /** Why the caller waits no longer; undefined while it does. */
  readonly abandoned: ToolgateError | undefined;
  /**
   * Calls back when the caller waits no longer, at once if that is so already; not once the call is answered. What `signal` says,
   * without the cost of one: 5 µs, which counts where there is one for each call. One listener, the last one.
   */
  whenAbandoned(listener: (reason: ToolgateError) => void): void;
  /**
   * Decides anew, after each change of what anybody may do, whether the call goes on; for streams whose rule says `handler`. One check, the
   * last one.
   *
   * @param check throws when the caller may not have what it gets any more; the stream then ends with ACCESS_CHANGED
   */
  recheckBy(check: (access: CallerAccess) => void): void;
}

/** A call that fails. */
export interface FailedCall {
  /** The RPC. */
  readonly path: string;
  /** Its caller, where it has proved who it is. */
  readonly identity: Identity | undefined;
}

/** What all calls of one server share. */
export interface ServerState {
  readonly log: Logger;
  /** Who callers are, and what they may do. */
  readonly access: AccessControl;
  /** What a call proves its caller by; only asked where callers have to. @throws ToolgateError UNAUTHENTICATED */
  readonly credentialsOf: (call: AnyServerCall) => Credentials;
  /** A new random id. */
  readonly newId: () => string;
  /** Hears of each call that fails, before its peer does. */
  readonly onFailure?: ((call: FailedCall, error: unknown) => void) | undefined;
  /** The calls that are open, which hear of the server's end. */
  readonly open: Set<OpenCall>;
  /** Bidirectional streams that are open: their quota, by host, and how many each connection has and may have. */
  readonly sessions: {
    readonly quota: FairQuota;
    readonly byConnection: Map<string, number>;
    readonly maxPerConnection: number;
  };
  /** How long a peer may take nothing of what it is sent, in milliseconds. */
  readonly readWithinMs: number;
  /** Aborted when the server begins to drain. */
  readonly draining: AbortSignal;
}

/** An open call, as the end of the server sees it. */
export interface OpenCall {
  /** The server is about to close: end, if the caller can go on elsewhere. */
  leave(): void;
  /** The grace is over: end now, with this. */
  terminate(reason: ToolgateError): void;
  /** Its caller's credential has expired. */
  hasExpired(): boolean;
  /** Whether it goes on after a change of what anybody may do; the reason for which it ends otherwise. */
  recheck(): ToolgateError | undefined;
}

/** What grpc-js gives for any kind of call. */
export interface AnyServerCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getPath(): string;
  /** A date, or a number that is infinite when there is none. */
  getDeadline(): Date | number;
  on(event: "cancelled", listener: () => void): unknown;
}

/** A peer's own timer ends a call a little before ours does: this near to the deadline, it was the deadline. */
const DEADLINE_TOLERANCE_MS = 20;

/**
 * One call's context and its end. Whatever costs something is made when it is first asked for: most calls need no signal.
 */
export class ServerCall implements CallContext {
  readonly #call: AnyServerCall;
  readonly #state: ServerState;
  readonly path: string;
  /** The caller's deadline by the monotonic clock; infinite when it set none. The wall clock may be set while the call runs. */
  readonly #untilMs: number;
  #identity: Identity | undefined;
  #recheck: Recheck = "none";
  /** What the caller could see when the call began. */
  #view = "";
  #check: ((access: CallerAccess) => void) | undefined;
  #controller: AbortController | undefined;
  #trace: TraceContext | undefined;
  #abandoned: ToolgateError | undefined;
  #finished = false;
  #onAbandoned: ((reason: ToolgateError) => void) | undefined;

  constructor(call: AnyServerCall, state: ServerState) {
    this.#call = call;
    this.#state = state;
    this.path = call.getPath();
    const deadline = Number(call.getDeadline());
    this.#untilMs = Number.isFinite(deadline) ? performance.now() + deadline - Date.now() : Number.POSITIVE_INFINITY;
    // grpc-js says "cancelled" at the end of every call, also of one that was answered.
    call.on("cancelled", () => {
      if (!this.#finished) this.abandon(whyGone(this.#untilMs));
    });
  }

  /**
   * Finds out who the caller is, as far as the RPC's rule asks for that. Adaptors wait for it before they look at anything of the request.
   *
   * @returns a promise only where that takes an answer from elsewhere
   * @throws ToolgateError UNAUTHENTICATED, or the promise rejects with it
   */
  admit(rule: RpcRule): Promise<void> | undefined {
    if (rule.needs === "nothing") {
      this.#identity = NOBODY;
      return undefined;
    }
    this.#recheck = rule.recheck;
    try {
      const identity = this.#state.access.authenticate(this.#credentials());
      if (identity instanceof Promise) {
        return inTime(identity).then(
          (known) => this.#admitted(known),
          (error: unknown) => Promise.reject(this.#refusal(error)),
        );
      }
      this.#admitted(identity);
      return undefined;
    } catch (error) {
      throw this.#refusal(error);
    }
  }

  /** Whatever goes wrong while it is found out who a caller is: it is not let in. */
  #refusal(error: unknown): ToolgateError {
    if (error instanceof ToolgateError) return error;
    this.#state.log.error({ event: "authentication_failed", path: this.path, peer: this.peer, error });
    return new ToolgateError("UNAUTHENTICATED", "The credential could not be checked.");
  }

  #credentials(): Credentials {
    const { access, credentialsOf } = this.#state;
    return access.required ? credentialsOf(this.#call) : NO_CREDENTIALS;
  }

  #admitted(identity: Identity): void {
    this.#identity = identity;
    if (this.#recheck === "view") this.#view = this.access.view;
  }

  get identity(): Identity {
    if (this.#identity === undefined)
      throw new ToolgateError("INTERNAL", `${this.path} is answered before its caller is known`);
    return this.#identity;
  }

  get principal(): Principal {
    return this.identity.principal;
  }

  get access(): CallerAccess {
    return this.#state.access.accessOf(this.identity.principal);
  }

  recheckBy(check: (access: CallerAccess) => void): void {
    this.#check = check;
  }

  hasExpired(): boolean {
    return this.#identity !== undefined && this.#recheck !== "none" && !this.#state.access.holds(this.#identity);
  }

  recheck(): ToolgateError | undefined {
    // One that is being found out is found out by what holds now.
    if (this.#identity === undefined || this.#recheck === "none") return undefined;
    const now = this.#state.access.current(this.#identity);
    if (now === undefined || !isSame(now, this.#identity)) return notHeld();
    this.#identity = now;
    if (this.#recheck === "view" && this.access.view !== this.#view) return accessChanged();
    try {
      this.#check?.(this.access);
      return undefined;
    } catch {
      return accessChanged();
    }
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  get deadlineMs(): number | undefined {
    return this.#untilMs === Number.POSITIVE_INFINITY ? undefined : Math.max(0, this.#untilMs - performance.now());
  }

  get traceparent(): string | undefined {
    return this.#traceContext().traceparent;
  }

  get tracestate(): string | undefined {
    return this.#traceContext().tracestate;
  }

  #traceContext(): TraceContext {
    this.#trace ??= readTraceContext(this.#call.metadata);
    return this.#trace;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abandoned !== undefined) this.#controller.abort(this.#abandoned);
    }
    return this.#controller.signal;
  }

  get abandoned(): ToolgateError | undefined {
    return this.#abandoned;
  }

  whenAbandoned(listener: (reason: ToolgateError) => void): void {
    if (this.#abandoned !== undefined) listener(this.#abandoned);
    else this.#onAbandoned = listener;
  }

  /** The call was answered: from here on it cannot be abandoned. False when it was answered or abandoned before. */
  finish(): boolean {
    if (this.#finished || this.#abandoned !== undefined) return false;
    this.#finished = true;
    return true;
  }

  /** The caller waits for the call no longer. */
  abandon(reason: ToolgateError): void {
    if (this.#finished || this.#abandoned !== undefined) return;
    this.#abandoned = reason;
    this.#controller?.abort(reason);
    this.#onAbandoned?.(reason);
  }

  /** What the peer gets for an error. A fault of our own is logged here, once, under an id that the peer gets too. */
  failure(error: unknown): WireError {
    this.#state.onFailure?.({ path: this.path, identity: this.#identity }, error);
    // A handler that was stopped by its signal throws whatever its libraries make of that.
    const stopped = this.#abandoned !== undefined && error instanceof Error && error.name === "AbortError";
    if (stopped) return toServiceError(this.#abandoned);
    if (error instanceof ToolgateError && error.reason !== "INTERNAL") return toServiceError(error);
    const correlationId = this.#state.newId();
    this.#state.log.error({ event: "call_failed", path: this.path, peer: this.peer, correlationId, error });
    return toServiceError(error, correlationId);
  }
}

/** Where nobody is asked, nothing is read. */
const NO_CREDENTIALS: Credentials = Object.freeze({ authorization: undefined, certificate: undefined, peer: "" });
/** How long it may take to find out who a caller is, in milliseconds: what it asks for is held for so long. */
const AUTHENTICATE_WITHIN_MS = 10_000;

/** Fails what takes too long. */
async function inTime(identity: Promise<Identity>): Promise<Identity> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const why = new ToolgateError("UNAUTHENTICATED", "The credential could not be checked in time.");
    timer = setTimeout(() => reject(why), AUTHENTICATE_WITHIN_MS).unref();
  });
  try {
    return await Promise.race([identity, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A credential may come to stand for somebody else: what was begun is not theirs. */
function isSame({ principal: a }: Identity, { principal: b }: Identity): boolean {
  return a.tenant === b.tenant && a.id === b.id;
}

/** For a call whose credential does not hold any more. */
export function notHeld(): ToolgateError {
  return new ToolgateError("UNAUTHENTICATED", "The credential has expired, or was revoked.", { executed: "unknown" });
}

function accessChanged(): ToolgateError {
  const message = "What the caller may see or do has changed; open the stream again.";
  return new ToolgateError("ACCESS_CHANGED", message, { executed: "unknown", retryAfterMs: 0 });
}

function whyGone(untilMs: number): ToolgateError {
  if (performance.now() >= untilMs - DEADLINE_TOLERANCE_MS) {
    return new ToolgateError("DEADLINE_EXCEEDED", "The caller's deadline passed.", { executed: "unknown" });
  }
  return new ToolgateError("CANCELLED", "The caller cancelled the call, or its connection went.", {
    executed: "unknown",
  });
}
