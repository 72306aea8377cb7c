import { setTimeout as delay } from "node:timers/promises";
import { timerMs } from "../async/after.js";

/** Time and chance, passed in. */
export interface Timing {
  /** A clock that is never set, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** The machine's own. */
export const SYSTEM_TIMING: Timing = { monotonicMs: () => performance.now(), random: Math.random };

/** Waits, at most as long as a timer can; rejects with the signal's reason when it aborts first. */
export async function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await delay(timerMs(ms), undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted(); // the timer's own AbortError hides the reason
    throw error;
  }
}

/** Whether a promise settled within a time; what it settled to is left to others. */
export async function settlesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      promise.then(
        () => true,
        () => true,
      ),
      delay(timerMs(ms), false, { signal: timer.signal }),
    ]);
  } finally {
    timer.abort();
  }
}

/**
 * What a promise resolves to, within a time.
 *
 * @throws what it rejects with; an Error when it takes longer; the signal's reason when that aborts first
 */
export async function within<T>(promise: Promise<T>, ms: number, signal: AbortSignal): Promise<T> {
  const timer = new AbortController();
  const abort = () => timer.abort();
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    const late = delay(timerMs(Math.max(0, ms)), undefined, { signal: timer.signal }).then(() => {
      throw new Error(`no answer within ${Math.round(ms)} ms`);
    });
    return await Promise.race([promise, late]);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    timer.abort();
  }
}

const FIRST_BACKOFF_MS = 50;
const LONGEST_BACKOFF_MS = 3000;

/** How long to leave a node alone after a number of failures in a row: doubling, bounded, and jittered by half. */
export function backoffMs(failures: number, random: () => number): number {
  const whole = Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 16));
  return whole * (0.5 + random() / 2);
}
