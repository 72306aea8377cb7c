/** The most calls that one script handles: a longer one would hold up Redis, and the callers that wait for its answer, too long. */
const MAX_BATCH = 32;
/** Of fewer calls a script costs more by itself than by its calls. */
const MIN_BATCH = 8;
/** For how long the most that was under way is remembered, in milliseconds; up to twice as long. */
const WINDOW_MS = 100;

/**
 * How many calls one script handles: half of those that are under way. Then Redis and the provider work on one half while the
 * node prepares the other, instead of each waiting for the one before it with all of them.
 *
 * Calls tend to end and begin in bunches, so what counts is the most that were under way a moment ago.
 */
export class BatchSize {
  readonly #underWay: () => number;
  readonly #monotonicMs: () => number;
  #windowEndsMs = 0;
  #peak = 0;
  #formerPeak = 0;

  /** @param underWay how many calls are under way on this node. */
  constructor(underWay: () => number, monotonicMs: () => number) {
    this.#underWay = underWay;
    this.#monotonicMs = monotonicMs;
  }

  /** The most calls that the next script should handle. */
  get(): number {
    const nowMs = this.#monotonicMs();
    if (nowMs >= this.#windowEndsMs) {
      this.#formerPeak = nowMs >= this.#windowEndsMs + WINDOW_MS ? 0 : this.#peak;
      this.#peak = 0;
      this.#windowEndsMs = nowMs + WINDOW_MS;
    }
    this.#peak = Math.max(this.#peak, this.#underWay());
    const half = Math.ceil(Math.max(this.#peak, this.#formerPeak) / 2);
    return Math.min(MAX_BATCH, Math.max(MIN_BATCH, half));
  }
}
