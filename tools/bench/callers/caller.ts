/** One way of making calls, on connections that stay open. */
export interface Caller {
  /**
   * Makes one call, and calls back when it has ended; never before it returns.
   *
   * `units` is how much came of it, where that is not one call: pieces of output.
   */
  call(onEnd: (error: Error | undefined, units?: number) => void): void;
}

/** What is called, and with what. */
export interface CallTarget {
  /** `host:port`, of a node (for HTTP where it is called so) or of what stands in for one; a Redis or NATS for jobs. */
  readonly address: string;
  readonly toolset: string;
  readonly tool: string;
  /** JSON. */
  readonly payload: string;
  /** The caller's credential, where the node asks for one. */
  readonly key?: string;
  /** The trace context of each call. */
  readonly traceparent?: string;
}

/** For calls that take long: no benchmark waits for a default. */
export const CALL_TIMEOUT_MS = 120_000;
