import type { AccessControl, Credentials, Identity } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import { NOBODY } from "../../access/nobody.js";
import type { Recheck, RpcRule } from "../../access/rpc-rules.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Principal } from "../../identity/principal.js";
import type { Logger } from "../../observe/logger.js";
import type { TraceContext } from "../../observe/traces/trace-context.js";
import type { CallContext, FailedCall, OpenCall } from "./call-context.js";

/** A peer's own timer ends a call a little before ours does: this near to the deadline, it was the deadline. */
const DEADLINE_TOLERANCE_MS = 20;

/** What all calls of one server share, whatever they came by. */
export interface ServedState {
  readonly log: Logger;
  /** Who callers are, and what they may do. */
  readonly access: AccessControl;
  /** A new random id. */
  readonly newId: () => string;
  /** Hears of each call that fails, before its peer does. */
  readonly onFailure?: ((call: FailedCall, error: unknown) => void) | undefined;
  /** The calls that are open, which hear of the server's end. */
  readonly open: Set<OpenCall>;
}

/**
 * One call's context and its end, whatever it came by. Whatever costs something is made when it is first asked for: most calls need no
 * signal.
 */
export abstract class ServedCall implements CallContext {
  readonly #state: ServedState;
  readonly path: string;
  /** The wall clock may be set while the call runs. */
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

  /**
   * @param path the RPC, as in `/toolgate.v1.Gateway/Invoke`
   * @param untilMs the caller's deadline by the monotonic clock; infinite when it set none
   */
  constructor(path: string, untilMs: number, state: ServedState) {
    this.#state = state;
    this.path = path;
    this.#untilMs = untilMs;
  }

  /** `host:port` of the connection's other end. */
  abstract get peer(): string;
  /** What the call proves its caller by; only asked where callers have to. @throws ToolgateError UNAUTHENTICATED */
  protected abstract readCredentials(): Credentials;
  /** The trace that the call is part of; asked once. */
  protected abstract readTrace(): TraceContext;

  /** The caller has gone, or its deadline has passed. Ignored once the call is answered. */
  protected gone(): void {
    if (!this.#finished) this.abandon(whyGone(this.#untilMs));
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
    return this.#state.access.required ? this.readCredentials() : NO_CREDENTIALS;
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

  /** Its peer has its end, or will get none; its handler may take longer. */
  get #isOver(): boolean {
    return this.#finished || this.#abandoned !== undefined;
  }

  hasExpired(): boolean {
    if (this.#isOver || this.#identity === undefined || this.#recheck === "none") return false;
    return !this.#state.access.holds(this.#identity);
  }

  recheck(): ToolgateError | undefined {
    // One that is being found out is found out by what holds now.
    if (this.#isOver || this.#identity === undefined || this.#recheck === "none") return undefined;
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
    this.#trace ??= this.readTrace();
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

  /**
   * What the caller is to be told of an error. A fault of our own is logged here, once, under an id that the caller gets too; its text
   * stays in the process.
   */
  failed(error: unknown): CallFailure {
    this.#state.onFailure?.({ path: this.path, identity: this.#identity }, error);
    // A handler that was stopped by its signal throws whatever its libraries make of that.
    if (this.#abandoned !== undefined && error instanceof Error && error.name === "AbortError")
      return { error: this.#abandoned };
    if (error instanceof ToolgateError && error.reason !== "INTERNAL") return { error };
    const correlationId = this.#state.newId();
    this.#state.log.error({ event: "call_failed", path: this.path, peer: this.peer, correlationId, error });
    return { error, correlationId };
  }
}

/** Why a call fails. */
export interface CallFailure {
  /** What is no ToolgateError is a fault of the node's. */
  readonly error: unknown;
  /** Under which the node's log has more. */
  readonly correlationId?: string;
}

/** Where no credential is asked for, nothing is read. */
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
