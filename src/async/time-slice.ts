/** How long one piece of background work may hold the thread, in milliseconds. */
const SLICE_MS = 4;

/**
 * Cuts long work into slices, so that calls and pings pass in between: ask `over` after each small step, and await
 * `next` when it says so.
 *
 * Several may work by one: together they hold the thread no longer than one slice in a turn of its event loop, and go on one
 * after the other, in the order in which they came to wait.
 */
export class TimeSlice {
  readonly #monotonicMs: () => number;
  readonly #sliceMs: number;
  /** When the first of this turn began; undefined while nothing works. */
  #startedMs: number | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(monotonicMs: () => number, sliceMs: number = SLICE_MS) {
    this.#monotonicMs = monotonicMs;
    this.#sliceMs = sliceMs;
  }

  /** Whether it is another's turn. */
  over(): boolean {
    if (this.#startedMs === undefined) {
      this.#begin();
      return this.#waiting.length > 0;
    }
    return this.#monotonicMs() - this.#startedMs >= this.#sliceMs;
  }

  /** Lets everything else that is ready run; resolves in a slice of its own. */
  next(): Promise<void> {
    if (this.#startedMs === undefined) this.#begin();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #begin(): void {
    this.#startedMs = this.#monotonicMs();
    setImmediate(() => {
      this.#startedMs = undefined;
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#begin();
      next();
    });
  }
}
