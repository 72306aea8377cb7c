import { setImmediate } from "node:timers/promises";

/** Work that stops after each small step, so that something else may run in between. */
export type Steps<Result> = Generator<void, Result>;

/** How long steps may hold the thread without a break, in milliseconds. */
const SLICE_MS = 4;

/** Does the work without a break. @throws what a step throws. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the work, and lets the event loop do other things every few milliseconds. @throws what a step throws. */
export async function inSlices<Result>(steps: Steps<Result>): Promise<Result> {
  let sinceMs = performance.now();
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    if (performance.now() - sinceMs < SLICE_MS) continue;
    await setImmediate();
    sinceMs = performance.now();
  }
}
