/** The longest time that a timer of Node's has, in milliseconds: 24 days. It takes a longer one for a millisecond. */
const LONGEST_MS = 2_147_483_647;

/**
 * Calls back after a time that a caller has named.
 *
 * @param ms in milliseconds; what is longer than a timer can be, or no number, never comes.
 * @returns the timer, which does not keep the process alive; nothing where there is none.
 */
export function after(ms: number | undefined, callback: () => void): NodeJS.Timeout | undefined {
  if (ms === undefined || !(ms <= LONGEST_MS)) return undefined;
  return setTimeout(callback, Math.max(0, ms)).unref();
}
