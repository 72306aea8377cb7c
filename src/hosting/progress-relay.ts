import { setTimeout as delay } from "node:timers/promises";
import { TokenBucket } from "../limits/token-bucket.js";
import type { Progress } from "./progress.js";

/** Progress notifications of a call that pass at once, and those that pass a second after that: below a call's 10,000 deltas. */
const BURST = 100;
const PER_SECOND = 10;
/** The longest message of a notification that is passed on. */
const MAX_MESSAGE_CHARACTERS = 4_096;

/**
 * Passes the progress notifications of one call on as output deltas, in order, no faster than they are taken. Progress is a
 * state, not a log: where more comes than passes, the latest one stands for those before it.
 */
export class ProgressRelay {
  readonly #emit: (progress: Progress) => Promise<void>;
  readonly #now: () => number;
  readonly #bucket: TokenBucket;
  readonly #queue: Progress[] = [];
  readonly #finishing = new AbortController();
  #latest: Progress | undefined;
  #pump: Promise<void> | undefined;

  constructor(emit: (progress: Progress) => Promise<void>, now: () => number) {
    this.#emit = emit;
    this.#now = now;
    this.#bucket = new TokenBucket(BURST, PER_SECOND, now());
  }

  /** Takes the next notification. */
  offer(reported: Progress): void {
    if (this.#finishing.signal.aborted) return;
    const progress = bounded(reported);
    if (this.#latest === undefined && this.#queue.length < BURST && this.#bucket.take(this.#now())) {
      this.#queue.push(progress);
    } else {
      this.#latest = progress;
    }
    this.#pump ??= this.#run();
  }

  /** Takes no more; resolves when what was taken is on its way. */
  async finish(): Promise<void> {
    this.#finishing.abort();
    await this.#pump;
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        const next = this.#queue.shift() ?? (await this.#takeLatest());
        if (next === undefined) break;
        await this.#emit(next);
      }
    } catch {
      // The call has stopped, or this piece is too large. Progress decides nothing: the call's own end says what happened.
      this.#queue.length = 0;
      this.#latest = undefined;
    }
    this.#pump = undefined;
  }

  async #takeLatest(): Promise<Progress | undefined> {
    if (this.#latest === undefined) return undefined;
    const waitMs = this.#bucket.waitMs(this.#now());
    if (waitMs > 0 && !this.#finishing.signal.aborted) {
      await delay(waitMs, undefined, { signal: this.#finishing.signal }).catch(() => {});
    }
    this.#bucket.take(this.#now());
    const latest = this.#latest;
    this.#latest = undefined;
    return latest;
  }
}

/** What MCP defines of a notification, and no more of it than is of use. */
function bounded({ progress, total, message }: Progress): Progress {
  return {
    progress,
    ...(total === undefined ? {} : { total }),
    ...(message === undefined ? {} : { message: message.slice(0, MAX_MESSAGE_CHARACTERS) }),
  };
}
