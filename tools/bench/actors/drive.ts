import type { Caller } from "../callers/caller.js";

/** How much load to make, and how long to measure. */
export interface Load {
  readonly inFlight: number;
  /** What passes before the measured window, in milliseconds. */
  readonly leadMs: number;
  /** The measured window, in milliseconds; it is longer where no call has ended within it, until one has. */
  readonly windowMs: number;
  /** Ends sooner, after this many calls; the window is then what they took. */
  readonly maxCalls?: number;
}

export interface LoadReport {
  /** All calls that were made, also outside of the window: what a process's CPU time is divided by. */
  readonly calls: number;
  /** What came of the calls that ended within the window. */
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

/** What is still under way when the time is over must end within this, in milliseconds. */
const DRAIN_MS = 60_000;

/**
 * A closed loop: a number of calls in flight, each followed by the next, until the time or the number is over. Resolves when
 * all have ended.
 *
 * @throws the first failure of a call: what fails was not measured.
 */
export function drive(caller: Caller, load: Load): Promise<LoadReport> {
  const maxCalls = load.maxCalls ?? Number.POSITIVE_INFINITY;
  const latencies: number[] = [];
  const startedAt = performance.now();
  const windowStart = startedAt + load.leadMs;
  const windowEnd = windowStart + load.windowMs;
  let made = 0;
  let ended = 0;
  let units = 0;
  let lastAt = startedAt;
  let failure: Error | undefined;

  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`${made - ended} of ${made} calls did not end within ${DRAIN_MS} ms`)),
      load.leadMs + load.windowMs + DRAIN_MS,
    );
    const next = (): void => {
      made += 1;
      const calledAt = performance.now();
      caller.call((error, gained = 1) => {
        const now = performance.now();
        ended += 1;
        failure ??= error;
        if (now >= windowStart && (now <= windowEnd || latencies.length === 0)) {
          latencies.push(now - calledAt);
          units += gained;
          lastAt = now;
        }
        if (failure === undefined && now < windowEnd && made < maxCalls) next();
        else if (ended === made) finish();
      });
    };
    const finish = (): void => {
      clearTimeout(late);
      if (failure !== undefined) {
        reject(failure);
        return;
      }
      const seconds = Math.max(made < maxCalls ? load.windowMs : 1, lastAt - windowStart) / 1_000;
      latencies.sort((a, b) => a - b);
      const quantile = (share: number): number =>
        latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
      resolve({ calls: ended, perSecond: units / seconds, medianMs: quantile(0.5), p99Ms: quantile(0.99) });
    };
    for (let call = 0; call < Math.min(load.inFlight, maxCalls); call += 1) next();
  });
}
