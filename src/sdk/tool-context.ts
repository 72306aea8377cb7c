import { brandClass } from "../errors/branded-class.js";
import type { ToolLog } from "./tool-log.js";

/** Why a running call has to stop. */
export type CallAbortReason =
  /** The agent cancelled it, or its connection went. */
  | "CANCELLED"
  /** Its deadline passed. */
  | "DEADLINE"
  /** It is no longer this provider's: its result would be refused. */
  | "FENCED"
  /** Its output went over the registry's limit. */
  | "OUTPUT_LIMIT"
  /** The provider was stopped, and its grace is over. */
  | "STOPPING";

/** The `reason` of a tool's `signal` once it has aborted. */
export class CallAborted extends Error {
  static {
    brandClass(CallAborted, "CallAborted");
  }

  override readonly name = "CallAborted";
  readonly reason: CallAbortReason;

  constructor(reason: CallAbortReason) {
    super(MEANING[reason]);
    this.reason = reason;
  }
}

const MEANING = {
  CANCELLED: "The call was cancelled.",
  DEADLINE: "The call's deadline passed.",
  FENCED: "The call is no longer this provider's; its result would be refused.",
  OUTPUT_LIMIT: "The call's output went over the registry's limit.",
  STOPPING: "The provider was stopped before the call had ended.",
} as const satisfies Record<CallAbortReason, string>;

/** What the agent said about a call; empty strings where it said nothing. */
export interface CallMeta {
  /** The agent's run. */
  readonly runId: string;
  /** The conversation. */
  readonly sessionId: string;
  /** The turn within it. */
  readonly turnId: string;
  /** The model's id of this tool call. */
  readonly toolCallId: string;
  /** The tool call that caused this one. */
  readonly parentToolCallId: string;
}

/** What a tool knows of the call that it runs. Hand it on as it is: a copy by spreading has no `signal`. */
export interface ToolContext {
  /** Aborts when the call is to stop; its `reason` is a CallAborted. */
  readonly signal: AbortSignal;
  /**
   * Sends a piece of output, any JSON; a RawJson is sent as it is. Resolves when it is on its way. It must be awaited: then the tool goes no faster
   * than the agent's side can take, and learns of a refusal.
   *
   * Rejects with a ToolFailure when the piece is not JSON (INVALID_OUTPUT), when it is too large, or when more than 1,000
   * pieces of the call wait already (both OUTPUT_TOO_LARGE). The call then ends as a tool error with that reason and
   * message, even if the tool goes on and returns a result; only an error that the tool throws itself comes before it.
   * Rejects with the signal's reason when the call was stopped.
   *
   * Pieces under way can be lost with the connection; the result never is.
   */
  emit(delta: unknown): Promise<void>;
  /** The payload as the agent sent it, byte for byte: UTF-8 JSON, `{}` where it sent none. Not to be changed. */
  readonly payloadJson: Buffer;
  /** Logs a line about the call. */
  readonly log: ToolLog;
  /** The call; opaque. */
  readonly callId: string;
  /** 1 at first, higher when the call is delivered again. */
  readonly attempt: number;
  /** When the call must have ended, by this machine's clock; `signal` aborts then. */
  readonly deadline: Date;
  /** What the agent said about the call. */
  readonly meta: CallMeta;
  /**
   * W3C trace context (https://www.w3.org/TR/trace-context/), where the call has one: for requests that the tool makes. Where the
   * application traces and the call is sampled, it is that of the SDK's span for the call.
   */
  readonly traceparent?: string;
  /** W3C trace state, where the call has one. */
  readonly tracestate?: string;
}
