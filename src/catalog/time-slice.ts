import { setImmediate } from "node:timers/promises";

/** How long one piece of background work may hold the thread, in milliseconds. */
const SLICE_MS = 4;

/**
 * Cuts long work into slices, so that calls and pings pass in between: ask `over` after each small step, and await
 * `next` when it says so.
 */
export class TimeSlice {
  readonly #monotonicMs: () => number;
  readonly #sliceMs: number;
  #startedMs: number;

  constructor(monotonicMs: () => number, sliceMs: number = SLICE_MS) {
    this.#monotonicMs = monotonicMs;
    this.#sliceMs = sliceMs;
    this.#startedMs = monotonicMs();
  }

  /** Whether it is somebody else's turn. */
  over(): boolean {
    return this.#monotonicMs() - this.#startedMs >= this.#sliceMs;
  }

  /** Lets everything else that is ready run, and starts a new slice. */
  async next(): Promise<void> {
    await setImmediate();
    this.#startedMs = this.#monotonicMs();
  }
}
