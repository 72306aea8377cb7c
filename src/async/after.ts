/** The longest time that a timer of Node's has, in milliseconds: 24 days. It takes a longer one for a millisecond. */
const LONGEST_MS = 2_147_483_647;

/**
 * A time as a timer takes it, for one that comes from a caller, a peer or an option.
 *
 * @param ms in milliseconds; infinity and what is no number are the longest time that a timer has, what is negative is 0.
 */
export function timerMs(ms: number): number {
  return ms <= LONGEST_MS ? Math.max(0, ms) : LONGEST_MS;
}

/**
 * Calls back after a time that a caller has named.
 *
 * @param ms in milliseconds; what is longer than a timer can be, or no number, never comes.
 * @returns the timer, which does not keep the process alive; nothing where there is none.
 */
export function after(ms: number | undefined, callback: () => void): NodeJS.Timeout | undefined {
  if (ms === undefined || !(ms <= LONGEST_MS)) return undefined;
  return setTimeout(callback, timerMs(ms)).unref();
}
