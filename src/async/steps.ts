import { TimeSlice } from "./time-slice.js";

/** Work that stops after each small step, so that something else may run in between. */
export type Steps<Result> = Generator<void, Result>;

/** One for all that is done in slices: ten contracts that are read at once hold a turn of the event loop no longer than one. */
const slice = new TimeSlice(() => performance.now());

/** Does the work without a break. @throws what a step throws. */
export function runSync<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Does the work, and lets the event loop do other things every few milliseconds. @throws what a step throws. */
export async function runInSlices<Result>(steps: Steps<Result>): Promise<Result> {
  for (;;) {
    if (slice.over()) await slice.next();
    const { done, value } = steps.next();
    if (done) return value;
  }
}
