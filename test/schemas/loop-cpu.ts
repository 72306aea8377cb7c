import { existsSync, readFileSync, readlinkSync } from "node:fs";

/** Where Linux says how many nanoseconds a thread of this process has run, as the first of three numbers. */
const SCHEDSTAT = "/proc/thread-self/schedstat";

/** Whether the system tells the CPU time of a thread to the nanosecond. */
export const tellsLoopCpu = existsSync(SCHEDSTAT);

/**
 * Measures the longest turn of the event loop in CPU time of its own thread: other threads, and how busy the machine is, add nothing.
 * It looks after each turn that ends a millisecond or more after the last look: what it takes for one turn may be one and some
 * short ones before it, and a loop that has nothing to do rests.
 */
export class LoopCpu {
  readonly #file: string;
  #last = 0;
  #longest = 0;

  constructor() {
    this.#file = `/proc/self/task/${readlinkSync("/proc/thread-self").split("/").at(-1)}/schedstat`;
  }

  /** Does work, and says how much of the loop its longest turn took, in milliseconds of CPU time. */
  async longestTurnMs(work: () => Promise<void>): Promise<number> {
    this.#longest = 0;
    this.#last = this.#now();
    const timer = setInterval(() => this.#look(), 1);
    try {
      await work();
    } finally {
      this.#look();
      clearInterval(timer);
    }
    return this.#longest;
  }

  /** Does what is the test's own, and does not count. */
  uncounted<Result>(work: () => Result): Result {
    this.#look();
    const result = work();
    this.#last = this.#now();
    return result;
  }

  #look(): void {
    const now = this.#now();
    this.#longest = Math.max(this.#longest, now - this.#last);
    this.#last = now;
  }

  #now(): number {
    return Number(readFileSync(this.#file, "latin1").split(" ", 1)[0]) / 1e6;
  }
}
