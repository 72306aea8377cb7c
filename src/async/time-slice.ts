/** How long one piece of background work may hold the thread, in milliseconds. */
const SLICE_MS = 4;

/** How many that wait may go on in one turn, as far as there is time: each has its own callback of the event loop. */
const MOST_AT_ONCE = 32;

/**
 * Cuts long work into slices, so that calls and pings pass in between: ask `over` after each small step, and await
 * `next` when it says so.
 *
 * Several may work by one: together they hold the thread no longer than one slice in a turn of its event loop, and go on one
 * after the other. Groups of them take turns; those of one group go on in the order in which they came to wait.
 */
export class TimeSlice {
  readonly #monotonicMs: () => number;
  readonly #sliceMs: number;
  /** When the first of this turn began; undefined while nothing works. */
  #startedMs: number | undefined;
  /** What waits, by group; the first group is the next. */
  readonly #groups = new Map<string, (() => void)[]>();
  #waiting = 0;
  /** How many callbacks are on their way that let one go on. */
  #callbacks = 0;

  constructor(monotonicMs: () => number, sliceMs: number = SLICE_MS) {
    this.#monotonicMs = monotonicMs;
    this.#sliceMs = sliceMs;
  }

  /** Whether it is another's turn. */
  over(): boolean {
    const isFirst = this.#startedMs === undefined;
    return this.spent() || (isFirst && this.#waiting > 0);
  }

  /** Whether the time of this turn is used up; for work that is small, and goes before what waits. */
  spent(): boolean {
    if (this.#startedMs !== undefined) return this.#monotonicMs() - this.#startedMs >= this.#sliceMs;
    this.#begin();
    return false;
  }

  /** Lets everything else that is ready run; resolves when there is time again. @param group what it is one of many of. */
  next(group = ""): Promise<void> {
    if (this.#startedMs === undefined) this.#begin();
    return new Promise((resolve) => {
      const waiting = this.#groups.get(group);
      if (waiting === undefined) this.#groups.set(group, [resolve]);
      else waiting.push(resolve);
      this.#waiting++;
      this.#callBack();
    });
  }

  /** Lets the first of the next group go on, and puts the group behind the others. */
  #goOn(): void {
    for (const [group, waiting] of this.#groups) {
      const resolve = waiting.shift();
      this.#groups.delete(group);
      if (waiting.length > 0) this.#groups.set(group, waiting);
      this.#waiting--;
      resolve?.();
      return;
    }
  }

  #begin(): void {
    this.#startedMs = this.#monotonicMs();
    setImmediate(() => {
      this.#startedMs = undefined;
    });
  }

  /** What waits goes on in callbacks of its own, since what it does runs before the next one of them, and is timed with it. */
  #callBack(): void {
    if (this.#callbacks >= Math.min(this.#waiting, MOST_AT_ONCE)) return;
    this.#callbacks++;
    setImmediate(() => {
      this.#callbacks--;
      if (!this.spent()) this.#goOn();
      this.#callBack();
    });
  }
}
