/**
 * How a limit counts.
 *
 *   rate     calls in a time, by GCRA: `most` at once, one more every `everyUs`
 *   running  calls that have not ended
 *   daily    calls of a day, from midnight to midnight UTC
 *   total    calls in all; for runs, which come to an end
 *   loop     times in a row that one failed in the same way
 */
export type LimitKind = "rate" | "running" | "daily" | "total" | "loop";

/** A limit as it bears on one call: what is counted, for whom, and how much is allowed. */
export interface CallLimit {
  readonly kind: LimitKind;
  /** Which document's limit it is, and for whom it counts, as a hash: 22 characters of base64url. */
  readonly subject: string;
  readonly most: number;
  /** Of a rate, the microseconds between two calls; else 0. */
  readonly everyUs: number;
}

/** Why a limit let no call in. Times are milliseconds from when it was decided. */
export interface LimitRefusal<Limit extends CallLimit = CallLimit> {
  readonly limit: Limit;
  /** When one more is allowed; undefined for never. */
  readonly retryAfterMs: number | undefined;
  /** When the limit is as if it had not been used; undefined for never. */
  readonly resetMs: number | undefined;
  /** The least that is left of the call's budgets; undefined where it has none. */
  readonly budgetLeft: number | undefined;
}
