/** The least that a refused provider is asked to wait, in milliseconds. */
const MIN_RETRY_MS = 500;
/** Of those that are refused, about one in this many comes back; the others are admitted by other nodes. */
const ONE_COMES_OF = 3;
/** The SDK waits for up to half as long again as it was asked to, by chance. */
const STRETCHED = 1.25;

/**
 * The times at which refused providers should try again: each gets one of its own, one after the other and as
 * far apart as the node lets providers in. So each has to ask few times, and they do not come all at once again.
 */
export class RetrySlots {
  readonly #maxMs: number;
  readonly #random: () => number;
  /** The latest slot that was given, by the monotonic clock. */
  #latestMs = Number.NEGATIVE_INFINITY;

  /** @param maxMs the most that a provider is asked to wait, in milliseconds. @param random uniform in [0, 1). */
  constructor(maxMs: number, random: () => number) {
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /**
   * Gives the next slot.
   *
   * @param freeInMs when there will be places to wait, in milliseconds.
   * @param turnMs how long one admission takes, in milliseconds.
   * @returns how long the provider should wait until it asks again, in whole milliseconds, half a second at least.
   */
  next(nowMs: number, freeInMs: number, turnMs: number): number {
    this.#latestMs = Math.max(this.#latestMs, nowMs + freeInMs) + turnMs / ONE_COMES_OF;
    const inMs = (this.#latestMs - nowMs) / STRETCHED;
    if (inMs <= this.#maxMs) return Math.round(Math.max(MIN_RETRY_MS, inMs));
    // Further ahead than anything is certain: spread all the same.
    this.#latestMs = nowMs + this.#maxMs * STRETCHED;
    return Math.round(this.#maxMs * (0.5 + this.#random() / 2));
  }
}
