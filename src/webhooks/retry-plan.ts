import type { DeliveryVerdict } from "../store/deliveries/delivery-queue.js";

/** What came of an attempt to tell a webhook. */
export type AttemptOutcome =
  /** The receiver answered. `retryAfterMs`: when it wants to be asked again, in milliseconds from now. */
  | { readonly kind: "answered"; readonly status: number; readonly retryAfterMs?: number | undefined }
  /** It was not asked, or did not answer. `why`: one word. */
  | { readonly kind: "unanswered"; readonly why: "REFUSED" | "UNREACHABLE" | "NO_SECRET" };

export interface RetrySettings {
  /** The pause before the second attempt, in milliseconds; each later one is three times as long. */
  readonly backoffMs: number;
  /** How long after a call's end it is told, in milliseconds. */
  readonly retryMs: number;
}

/** The longest pause, in milliseconds. */
const MAX_PAUSE_MS = 3_600_000;
const GROWTH = 3;
/** By what share a pause is longer or shorter at random, so that those that failed together do not come together. */
const JITTER = 0.2;
/** The receiver wants no more of it (https://www.rfc-editor.org/rfc/rfc9110#section-15.5.11). */
const GONE = 410;

/**
 * What becomes of a delivery: a 2xx ends it, a 410 gives it up at once, anything else is tried again for as long as the settings say.
 *
 * @param attempt counted from 1
 * @param ageMs since the call's end, in milliseconds
 * @param random from 0 to 1
 */
export function planRetry(
  outcome: AttemptOutcome,
  attempt: number,
  ageMs: number,
  { backoffMs, retryMs }: RetrySettings,
  random: number,
): DeliveryVerdict {
  if (outcome.kind === "answered" && outcome.status >= 200 && outcome.status < 300) return { kind: "done" };
  const why = outcome.kind === "answered" ? `STATUS_${outcome.status}` : outcome.why;
  if (outcome.kind === "answered" && outcome.status === GONE) return { kind: "failed", why };
  const asked = outcome.kind === "answered" ? (outcome.retryAfterMs ?? 0) : 0;
  const pause = Math.min(MAX_PAUSE_MS, Math.max(asked, backoffMs * GROWTH ** Math.min(attempt - 1, 20)));
  const delayMs = Math.round(pause * (1 + JITTER * (2 * random - 1)));
  return ageMs + delayMs > retryMs ? { kind: "failed", why } : { kind: "retry", why, delayMs };
}
