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

/**
 * Does the work, and lets the event loop do other things every few milliseconds.
 *
 * @param group what it is one of many of: groups take turns, so one that asks for much does not hold up the others.
 * @throws what a step throws.
 */
export async function runInSlices<Result>(steps: Steps<Result>, group = ""): Promise<Result> {
  for (;;) {
    if (slice.over()) await slice.next(group);
    const { done, value } = steps.next();
    if (done) return value;
  }
}
