import { closeSync, openSync, readlinkSync, readSync } from "node:fs";

/** What the longest turn of an event loop took, in milliseconds. */
export interface LongestTurn {
  /** CPU time of its thread: how busy the machine is adds nothing. Absent where the system does not tell it. */
  readonly cpuMs: number | undefined;
  /** Time on the wall, in which the thread may have waited for a core. */
  readonly wallMs: number;
  /** When the turn that took the most CPU time began and ended, in microseconds of the clock that profiles are kept by. */
  readonly fromMicros: number;
  readonly untilMicros: number;
}

/** How often it looks, in milliseconds. Several short turns within that count as one, so a figure may be too high by as much. */
const EVERY_MS = 2;

/** Measures the turns of the loop that it is made in. It reads 30 bytes in each look, and lets the loop rest in between. */
export class LoopMeter {
  readonly #file = schedstat();
  readonly #bytes = Buffer.alloc(64);
  readonly #timer: NodeJS.Timeout;
  #lastCpuMs: number | undefined;
  #lastMs: number;
  #cpuMs: number | undefined;
  #wallMs = 0;
  #fromMicros = 0;
  #untilMicros = 0;

  constructor() {
    this.#lastCpuMs = this.#cpuNow();
    this.#lastMs = performance.now();
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
    this.#timer.unref();
  }

  /** Ends it, and says what was the longest. */
  stop(): LongestTurn {
    this.#look();
    clearInterval(this.#timer);
    if (this.#file !== undefined) closeSync(this.#file);
    return {
      ...{ cpuMs: this.#cpuMs, wallMs: this.#wallMs },
      ...{ fromMicros: this.#fromMicros, untilMicros: this.#untilMicros },
    };
  }

  #look(): void {
    const [cpuMs, ms] = [this.#cpuNow(), performance.now()];
    const turnMs = cpuMs === undefined ? undefined : cpuMs - (this.#lastCpuMs ?? cpuMs);
    if (turnMs !== undefined && turnMs > (this.#cpuMs ?? 0)) {
      this.#cpuMs = turnMs;
      this.#untilMicros = Number(process.hrtime.bigint() / 1_000n);
      this.#fromMicros = this.#untilMicros - 1_000 * (ms - this.#lastMs);
    }
    this.#wallMs = Math.max(this.#wallMs, ms - this.#lastMs);
    this.#lastCpuMs = cpuMs;
    this.#lastMs = ms;
  }

  #cpuNow(): number | undefined {
    if (this.#file === undefined) return undefined;
    const length = readSync(this.#file, this.#bytes, 0, this.#bytes.length, 0);
    return Number(this.#bytes.toString("latin1", 0, length).split(" ", 1)[0]) / 1e6;
  }
}

/** Where Linux says how many nanoseconds this thread has run, as the first of three numbers. */
function schedstat(): number | undefined {
  try {
    return openSync(`/proc/self/task/${readlinkSync("/proc/thread-self").split("/").at(-1)}/schedstat`, "r");
  } catch {
    return undefined;
  }
}
