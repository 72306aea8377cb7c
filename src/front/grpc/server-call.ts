import type { Metadata } from "@grpc/grpc-js";
import type { Credentials } from "../../access/access-control.js";
import type { FairQuota } from "../../limits/fair-quota.js";
import type { TraceContext } from "../../observe/traces/trace-context.js";
import { toServiceError, type WireError } from "../../protocol/status-details.js";
import { ServedCall, type ServedState } from "../services/served-call.js";
import { readTraceContext } from "../services/trace-context.js";

/** What all calls of one server share. */
export interface ServerState extends ServedState {
  /** What a call proves its caller by; only asked where callers have to. @throws ToolgateError UNAUTHENTICATED */
  readonly credentialsOf: (call: AnyServerCall) => Credentials;
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

/** What grpc-js gives for any kind of call. */
export interface AnyServerCall {
  readonly metadata: Metadata;
  getPeer(): string;
  getPath(): string;
  /** A date, or a number that is infinite when there is none. */
  getDeadline(): Date | number;
  on(event: "cancelled", listener: () => void): unknown;
}

/** A call that came by gRPC. */
export class ServerCall extends ServedCall {
  readonly #call: AnyServerCall;
  readonly #credentialsOf: ServerState["credentialsOf"];

  constructor(call: AnyServerCall, state: ServerState) {
    const deadline = Number(call.getDeadline());
    const untilMs = Number.isFinite(deadline) ? performance.now() + deadline - Date.now() : Number.POSITIVE_INFINITY;
    super(call.getPath(), untilMs, state);
    this.#call = call;
    this.#credentialsOf = state.credentialsOf;
    // grpc-js says "cancelled" at the end of every call, also of one that was answered.
    call.on("cancelled", () => this.gone());
  }

  get peer(): string {
    return this.#call.getPeer();
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  protected readCredentials(): Credentials {
    return this.#credentialsOf(this.#call);
  }

  protected readTrace(): TraceContext {
    const { metadata } = this;
    return readTraceContext(metadata.get("traceparent")[0], metadata.get("tracestate").join(","));
  }

  /** What the peer gets for an error; see `failed`. */
  failure(error: unknown): WireError {
    const failure = this.failed(error);
    return toServiceError(failure.error, failure.correlationId);
  }
}
