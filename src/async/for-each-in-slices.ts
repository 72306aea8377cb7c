import { TimeSlice } from "./time-slice.js";

/**
 * Does something with each of many, in order. What takes long is cut into slices, with everything else that is ready in between;
 * what does not is over before this returns.
 */
export async function forEachInSlices<T>(
  items: readonly T[],
  monotonicMs: () => number,
  each: (item: T) => void,
): Promise<void> {
  const slice = new TimeSlice(monotonicMs);
  for (const item of items) {
    each(item);
    if (slice.over()) await slice.next();
  }
}
