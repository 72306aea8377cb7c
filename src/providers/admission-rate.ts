export interface AdmissionRateSettings {
  /** The share of the time, from 0 to 1, for which the event loop was busy since this was asked last. */
  readonly busyShare: () => number;
}

/** How busy the event loop may get before providers are admitted more slowly. */
const BUSY_SHARE = 0.4;
/** How often the pace is looked at, in milliseconds. */
const LOOK_MS = 50;
/** The gap between two that are admitted where the loop has just become busy, and at most, in milliseconds. */
const FIRST_GAP_MS = 1;
const MAX_GAP_MS = 8;
/** What may be made up for when a timer comes late, in milliseconds. */
const SLACK_MS = 2;

/**
 * How fast providers are admitted: without a pause while the node has little to do, and the busier it is, the more slowly, so that
 * calls find a loop with time for them. Never slower than one in eight milliseconds: a busy node admits providers all the same,
 * 1,000 of them, which each register and attach, in less than half a minute.
 */
export class AdmissionRate {
  readonly #busyShare: () => number;
  #gapMs = 0;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #nextAtMs = Number.NEGATIVE_INFINITY;

  constructor({ busyShare }: AdmissionRateSettings) {
    this.#busyShare = busyShare;
  }

  /** How long until one more may be admitted, in milliseconds, never below 0. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#nextAtMs - nowMs);
  }

  /** One was admitted. */
  admitted(nowMs: number): void {
    if (nowMs - this.#lookedAtMs >= LOOK_MS) {
      this.#lookedAtMs = nowMs;
      const gapMs = Math.max(FIRST_GAP_MS, this.#gapMs) * Math.min(2, this.#busyShare() / BUSY_SHARE);
      this.#gapMs = gapMs < FIRST_GAP_MS ? 0 : Math.min(MAX_GAP_MS, gapMs);
    }
    this.#nextAtMs = Math.max(this.#nextAtMs, nowMs - SLACK_MS) + this.#gapMs;
  }
}
