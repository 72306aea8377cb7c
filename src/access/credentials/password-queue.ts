import { ToolgateError } from "../../errors/toolgate-error.js";

/** How many passwords are hashed at once: each takes a thread of the pool and 32 MiB for some 100 ms. */
const AT_ONCE = 2;
/** How many may wait besides. */
const MAX_WAITING = 32;
const RETRY_AFTER_MS = 2_000;

/** Lets few passwords be hashed at once, first come first served, so that logins take neither the node's memory nor its threads. */
export class PasswordQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** @throws ToolgateError LIMIT_EXCEEDED where too many wait; what the task throws */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < AT_ONCE) this.#running += 1;
    else await this.#turn();
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next(); // its place goes on to the next one
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING) {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        "The node checks as many passwords as it may at once; retry a little later.",
        {
          retryAfterMs: RETRY_AFTER_MS,
        },
      );
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
