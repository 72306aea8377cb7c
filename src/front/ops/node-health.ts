import type { Redis } from "ioredis";

/** Whether a node takes requests, and why not. */
export interface NodeHealth {
  readonly ready: boolean;
  /** What readiness is made of. */
  readonly parts: Readonly<Record<string, boolean>>;
}

/** How long Redis may take to answer, and how long its answer counts, in milliseconds: together less than two seconds. */
const ANSWERS_WITHIN_MS = 1_000;
const ANSWER_COUNTS_MS = 500;

/**
 * Whether Redis answers, asked when somebody wants to know. A connection to a Redis that stands still looks like any other, and that it
 * is silent is noticed later.
 */
export class RedisProbe {
  readonly #masters: () => readonly Pick<Redis, "ping">[];
  readonly #monotonicMs: () => number;
  #asking: Promise<boolean> | undefined;
  #last: { readonly answers: boolean; readonly atMs: number } | undefined;

  constructor(masters: () => readonly Pick<Redis, "ping">[], monotonicMs: () => number) {
    this.#masters = masters;
    this.#monotonicMs = monotonicMs;
  }

  /** Whether each master has answered just now, or does within a second. */
  async answers(): Promise<boolean> {
    if (this.#last !== undefined && this.#monotonicMs() - this.#last.atMs < ANSWER_COUNTS_MS) return this.#last.answers;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(() => resolve(false), ANSWERS_WITHIN_MS);
    });
    const asked = Promise.all(this.#masters().map((master) => master.ping())).then(
      (replies) => replies.length > 0,
      () => false,
    );
    const answers = await Promise.race([asked, late]);
    clearTimeout(timer);
    this.#last = { answers, atMs: this.#monotonicMs() };
    return answers;
  }
}
