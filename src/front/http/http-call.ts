import type { Credentials } from "../../access/access-control.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import type { TraceContext } from "../../observe/traces/trace-context.js";
import type { OpenCall } from "../services/call-context.js";
import { nodeDraining } from "../services/node-draining.js";
import { ServedCall, type ServedState } from "../services/served-call.js";
import { readTraceContext } from "../services/trace-context.js";

/** The request that a call came by. */
export interface CallOrigin {
  /** `host:port` of the connection's other end. */
  readonly peer: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  /** What the request proves its caller by. @throws ToolgateError UNAUTHENTICATED */
  readonly credentials: () => Credentials;
}

/** What an RPC's call is for a request of HTTP. One request may ask several RPCs, each as a call of its own. */
export class HttpCall extends ServedCall implements OpenCall {
  readonly #origin: CallOrigin;
  #isStream = false;
  #timer: NodeJS.Timeout | undefined;
  #endedBy: ToolgateError | undefined;
  #onLeft: ((reason: ToolgateError) => void) | undefined;

  /** @param withinMs how long its caller waits, in milliseconds; undefined when it did not say */
  constructor(path: string, origin: CallOrigin, withinMs: number | undefined, state: ServedState) {
    super(path, withinMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + withinMs, state);
    this.#origin = origin;
  }

  get peer(): string {
    return this.#origin.peer;
  }

  protected readCredentials(): Credentials {
    return this.#origin.credentials();
  }

  protected readTrace(): TraceContext {
    return readTraceContext(this.#origin.traceparent, this.#origin.tracestate ?? "");
  }

  /** The caller waits no longer: its connection went, or its time is over. */
  left(): void {
    this.gone();
  }

  /** It answers with a stream, which ends when the node stops: its reader can go on elsewhere. */
  streams(): void {
    this.#isStream = true;
  }

  /** Has its caller leave after so long, in milliseconds. */
  leaveIn(ms: number): void {
    this.#timer = setTimeout(() => this.left(), ms).unref();
  }

  /** Nothing of it runs any more. Idempotent. */
  settle(): void {
    clearTimeout(this.#timer);
  }

  override abandon(reason: ToolgateError): void {
    super.abandon(reason);
    this.#onLeft?.(reason);
  }

  /** What the promise gives, or why the call is abandoned before: then nothing waits for the promise. */
  orLeft<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#onLeft = reject;
      if (this.abandoned !== undefined) reject(this.abandoned);
      promise.then(resolve, reject);
    });
  }

  /** Why the node has ended it; undefined where it has not. */
  get endedBy(): ToolgateError | undefined {
    return this.#endedBy;
  }

  leave(): void {
    if (this.#isStream) this.terminate(nodeDraining("unknown"));
  }

  terminate(reason: ToolgateError): void {
    this.#endedBy ??= reason;
    this.abandon(reason);
  }
}
