import { setTimeout as delay } from "node:timers/promises";
import { machineMs } from "../machine-clock.js";

const EVERY_MS = 10;
const WITHIN_MS = 60_000;

/**
 * Looks until `look` answers something other than `undefined` or `false`, and returns that.
 *
 * @param awaited what is awaited, in words
 * @throws Error when it did not come true within a minute; the signal's reason when it aborts
 */
export async function until<T>(awaited: string, look: () => T | undefined | false, signal: AbortSignal): Promise<T> {
  const startMs = machineMs();
  for (;;) {
    const found = look();
    if (found !== undefined && found !== false) return found;
    if (machineMs() - startMs > WITHIN_MS) throw new Error(`Waited ${WITHIN_MS} ms in vain until ${awaited}.`);
    await delay(EVERY_MS, undefined, { signal });
  }
}
