/** How often a condition is looked at, in milliseconds, unless said. */
const EVERY_MS = 20;

export interface UntilOptions {
  /** How long to wait at most, in milliseconds; 30,000 unless said: on a busy machine everything comes, and late. */
  readonly withinMs?: number;
  /** How often to look, in milliseconds; 20 unless said. */
  readonly everyMs?: number;
  /** Gives up at once when it fires. */
  readonly signal?: AbortSignal;
}

/**
 * Looks until `look` answers something other than `undefined`, `null` or `false`, and returns that.
 *
 * @param awaited what is awaited, in words: it is the error's message when the time is over.
 * @throws the last error of `look` as the cause, when it never came true.
 */
export async function until<T>(
  awaited: string,
  look: () => T | Promise<T>,
  { withinMs = 30_000, everyMs = EVERY_MS, signal }: UntilOptions = {},
): Promise<Exclude<T, undefined | null | false>> {
  const start = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const found = await look();
      // The three values that are excluded are the three that were compared.
      if (found !== undefined && found !== null && found !== false) {
        return found as Exclude<T, undefined | null | false>;
      }
      last = undefined;
    } catch (error) {
      last = error;
    }
    signal?.throwIfAborted();
    if (performance.now() - start >= withinMs) {
      const because = last instanceof Error ? `: ${last.message}` : "";
      throw new Error(`Waited ${withinMs} ms in vain for this: ${awaited}${because}`, { cause: last });
    }
    await new Promise<void>((resolve) => setTimeout(resolve, everyMs));
  }
}
