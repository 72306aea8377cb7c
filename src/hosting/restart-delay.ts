const FIRST_MS = 500;
const MOST_MS = 30_000;

/** How long a server must have run for its next death to count as the first one again, in milliseconds. */
export const STEADY_AFTER_MS = 60_000;

/**
 * How long to wait before a server is started again: 0.5 s doubled with each death in a row, at most 30 s, of which a random
 * half is taken off, so that mounts that died together do not return together.
 *
 * @param deaths in a row, from 1
 * @param random in [0, 1)
 */
export function restartDelayMs(deaths: number, random: number): number {
  const full = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(deaths - 1, 16));
  return Math.round(full * (1 - random / 2));
}
