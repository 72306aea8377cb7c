import type { CallDelta } from "./call-options.js";
import type { CallTerminal } from "./terminal.js";

/** What a caller knows of an admitted call. */
export interface CallHandle {
  /** The call; opaque. */
  readonly callId: string;
  readonly toolset: string;
  readonly tool: string;
  /** The epoch that serves it. */
  readonly epoch: number;
  /** The digest of that epoch's contract. */
  readonly digest: string;
  /** When it will have ended at the latest, by Redis's clock. */
  readonly deadline: Date;
  /** Until when its outcome can be read, by Redis's clock; at least. */
  readonly expires: Date;
  /** What was asked for and not given, in words, such as a timeout that was cut to a maximum; mostly empty. */
  readonly warnings: readonly string[];
}

/** The handle of a call that was just asked for. */
export interface AdmittedCall extends CallHandle {
  /** The call existed already: this request was a repeat of it. */
  readonly repeated: boolean;
}

/** Where a call can stand: waiting for a provider, with one, or over. */
export type CallState = "queued" | "claimed" | "ended";

/** Where a call stands. */
export interface CallStatus<Value = unknown> extends CallHandle {
  readonly state: CallState;
  /** The current attempt; 0 while it waits for its first. */
  readonly attempt: number;
  /** It was cancelled, and its provider has been asked to stop. */
  readonly cancelRequested: boolean;
  /** When it was admitted, by Redis's clock; absent where the node does not say. */
  readonly admittedAt?: Date;
  /** How it ended, if it has. */
  readonly terminal?: CallTerminal<Value>;
}

/** What lists show of a call, wherever it stands. Times are by Redis's clock. */
interface ListedCall extends CallHandle {
  /** The principal that made it, within its tenant; empty where the node does not say. */
  readonly principal: string;
  /** When it was admitted; absent where the node does not say. */
  readonly admittedAt?: Date;
  /** When a provider got it first; absent where none has. */
  readonly firstClaimedAt?: Date;
}

/** A call that has ended, as a list shows it. Times are by Redis's clock. */
export interface EndedCallSummary extends ListedCall {
  readonly state: "ended";
  /** The attempt that ended it; 0 where it was never delivered. */
  readonly attempt: number;
  /** How it ended; `outcome_unknown` also for a way that only newer nodes know. */
  readonly kind: Exclude<CallTerminal["kind"], "rejected">;
  /** Why there is no result: from the error table or, with `tool_error`, the tool's own; empty with `result`. */
  readonly reason: string;
  readonly endedAt: Date;
  /** The provider that had it last, and the node that delivered it; absent where none had. */
  readonly provider?: string;
  readonly node?: string;
  /** Of the calls that ended with a result about then, only a part is listed: the registry was busy. */
  readonly sampled: boolean;
}

/** A call that has not ended, as a list shows it. Times are by Redis's clock. */
export interface CallSummary extends ListedCall {
  readonly state: Exclude<CallState, "ended">;
  /** The current attempt; 0 while it waits for its first. */
  readonly attempt: number;
  /** Its provider was asked to stop it. */
  readonly cancelRequested: boolean;
  /** When it began to wait for a provider: at its admission, or later where it was delivered again or went to another epoch. */
  readonly queuedAt: Date;
  /** When this was read: what the other times are compared with. */
  readonly readAt: Date;
  /** The provider that has it; absent while it is queued. */
  readonly claim?: {
    /** The provider's id. */
    readonly provider: string;
    /** The node that delivered it. */
    readonly node: string;
    /** Until when the claim lasts if it is not renewed. */
    readonly ends: Date;
  };
}

/** What a cancellation met. */
export interface Cancellation<Value = unknown> {
  /** Where the call stands now; `claimed` means that its provider was asked to stop it. */
  readonly state: CallState;
  /** How it ended, if it has. */
  readonly terminal?: CallTerminal<Value>;
}

/** One step of a followed call: output, and at last exactly one terminal. */
export type CallEvent<Value = unknown> =
  | ({ readonly kind: "delta" } & CallDelta<Value>)
  | { readonly kind: "terminal"; readonly terminal: CallTerminal<Value> };
