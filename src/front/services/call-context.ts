import type { Identity } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import type { Principal } from "../../identity/principal.js";
import type { TraceContext } from "../../observe/traces/trace-context.js";

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
