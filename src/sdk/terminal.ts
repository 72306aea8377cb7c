import type { Executed } from "../errors/codes.js";
import type { Violation } from "../errors/toolgate-error.js";

/** What every ending of a call has. */
interface Ending {
  /** The call; empty when it was rejected before it had an id. */
  readonly callId: string;
  /** Whether the tool ran. */
  readonly executed: Executed;
  /** The attempt that ended it; 0 when it was never delivered. */
  readonly attempt: number;
  /** When, by Redis's clock. */
  readonly endedAt: Date;
}

/** Whose word the reason of an error is: the gateway's, of its error table; or the tool's own, whatever word it uses. */
export type ErrorOrigin = "gateway" | "tool";

/** What every ending without a result has. */
interface Failed<Value> extends Ending {
  /** A word for programs, from the error table; or the tool's own: `origin` tells which. */
  readonly reason: string;
  readonly origin: ErrorOrigin;
  /** For people and models. */
  readonly message: string;
  /** The tool's own details; absent when it gave none. */
  readonly details?: Value;
}

/** The tool answered. */
export interface ResultTerminal<Value = unknown> extends Ending {
  readonly kind: "result";
  /** The result, any JSON. */
  readonly result: Value;
  /**
   * No verdict could be had on whether the result fits its tool's schema: the check takes too much work, or the gateway was too
   * busy. The result is what the tool answered; code that relies on the schema checks it itself.
   */
  readonly unchecked: boolean;
}

/** Refused before admission: the tool did not run. */
export interface RejectedTerminal<Value = unknown> extends Failed<Value> {
  readonly kind: "rejected";
  /** When a retry may help, in milliseconds. */
  readonly retryAfterMs?: number;
  /** More, for programs: of a limit, for example, which it is and how much is left. */
  readonly metadata: Readonly<Record<string, string>>;
  /** What was wrong with the payload; at most eight. */
  readonly violations: readonly Violation[];
}

/**
 * The endings of an admitted call without a result:
 * - `tool_error`: the tool ran and failed.
 * - `not_executed`: expired or cancelled before a provider took it, or its epoch went away; it did not run.
 * - `cancelled`: cancelled after a provider took it; the provider stopped.
 * - `outcome_unknown`: its provider was lost, or did not answer in time; or the tool itself does not know whether it had its effect.
 * - `attempts_exhausted`: an idempotent call given up after its last attempt.
 */
export interface FailedTerminal<Value = unknown> extends Failed<Value> {
  readonly kind: "tool_error" | "not_executed" | "cancelled" | "outcome_unknown" | "attempts_exhausted";
}

/** How a call ended. There is exactly one, the same for every reader. `Value` is RawJson where that was asked for. */
export type CallTerminal<Value = unknown> = ResultTerminal<Value> | RejectedTerminal<Value> | FailedTerminal<Value>;
