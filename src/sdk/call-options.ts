/** How a call is to be made; everything may be absent. */
export interface CallOptions {
  /**
   * The agent's run. With `toolCallId` it makes the call's id, so that a repeat attaches to the first call instead of
   * running the tool again. Made by the client, once, when absent. At most 256 characters, as all ids here.
   */
  readonly runId?: string;
  /** The model's id of this tool call; random when absent. */
  readonly toolCallId?: string;
  /** The conversation. */
  readonly sessionId?: string;
  /** The turn within it. */
  readonly turnId?: string;
  /** The tool call that caused this one. */
  readonly parentToolCallId?: string;
  /** Refuse if the contract is not this one any more (`Toolset.digest`). */
  readonly expectDigest?: string;
  /** Wait for a healthy provider within the deadline, instead of failing at once while there is none. */
  readonly wait?: boolean;
  /**
   * What becomes of the call when the connection goes. `continue` when absent: then the client attaches to it again by
   * itself, which is safe, since the call's ids make a repeat the same call. With `cancel` it does not repeat: the call
   * fails with NODE_UNREACHABLE and `executed: "unknown"`.
   */
  readonly onDisconnect?: "continue" | "cancel";
  /**
   * How long the call may take, in milliseconds; the registry's default when absent. More than the tool or the registry allows
   * is cut to that, with a warning (`CallHandle.warnings`, `ConnectOptions.onWarning`).
   */
  readonly timeoutMs?: number;
  /** A webhook of the caller's tenant, by name, that is to be told how the call ends; administrators make them. */
  readonly webhook?: string;
  /** W3C trace context (https://www.w3.org/TR/trace-context/); when absent, that of the active span, where the application traces. */
  readonly traceparent?: string;
  /** W3C trace state; at most 512 characters. */
  readonly tracestate?: string;
  /** Cancels the call; what waits for it rejects at once with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A piece of a call's output. */
export interface CallDelta<Value = unknown> {
  /** Any JSON. */
  readonly data: Value;
  /** Where it stands; `follow` goes on from here. Opaque. */
  readonly cursor: string;
  /** The attempt that it came from; a higher one starts anew. */
  readonly attempt: number;
}

/** How a call is to be made and waited for. */
export interface InvokeOptions<Value = unknown> extends CallOptions {
  /** Called with each piece of output, in order, none twice. What it throws fails the call's promise and cancels the call. */
  onDelta?(data: Value, delta: CallDelta<Value>): void;
  /**
   * Called before the result is given, where no verdict could be had on whether it fits its tool's schema (see `unchecked` of a
   * call's terminal). What it throws fails the call's promise.
   */
  onUnchecked?(callId: string): void;
}
