import { performance } from "node:perf_hooks";

/**
 * Measures how busy this thread's event loop is.
 *
 * @returns a function that gives the share of the time, from 0 to 1, for which the loop did anything but wait since it was called
 *   last; what the thread lost to others on a busy machine counts as busy.
 */
export function loopUtilization(): () => number {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}
