import { Session } from "node:inspector/promises";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { getHeapSnapshot } from "node:v8";
import { ToolgateError } from "../../errors/toolgate-error.js";

/** How often the profiler looks what runs, in microseconds. */
const SAMPLE_US = 1_000;
/** About how many bytes are allocated between two samples. */
const SAMPLE_BYTES = 32_768;

/** Profiles of this process, one at a time, in the formats that Chrome's DevTools open. */
export class Profiles {
  #running = false;

  /** Where CPU time goes (`.cpuprofile`). @throws ToolgateError LIMIT_EXCEEDED while another profile is taken */
  cpu(ms: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async (session) => {
      await session.post("Profiler.enable");
      await session.post("Profiler.setSamplingInterval", { interval: SAMPLE_US });
      await session.post("Profiler.start");
      await sleep(ms, undefined, { signal });
      const { profile } = await session.post("Profiler.stop");
      return JSON.stringify(profile);
    });
  }

  /** What is allocated meanwhile and stays (`.heapprofile`). @throws as `cpu` */
  allocations(ms: number, signal: AbortSignal): Promise<string> {
    return this.#alone(async (session) => {
      await session.post("HeapProfiler.enable");
      await session.post("HeapProfiler.startSampling", { samplingInterval: SAMPLE_BYTES });
      await sleep(ms, undefined, { signal });
      const { profile } = await session.post("HeapProfiler.stopSampling");
      return JSON.stringify(profile);
    });
  }

  /** All that is in memory (`.heapsnapshot`), payloads and secrets included. The process stands still meanwhile. @throws as `cpu` */
  heap(): Readable {
    if (this.#running) throw busy();
    return getHeapSnapshot();
  }

  async #alone<T>(take: (session: Session) => Promise<T>): Promise<T> {
    if (this.#running) throw busy();
    this.#running = true;
    const session = new Session();
    session.connect();
    try {
      return await take(session);
    } finally {
      session.disconnect();
      this.#running = false;
    }
  }
}

const busy = (): ToolgateError =>
  new ToolgateError("LIMIT_EXCEEDED", "another profile is being taken; ask again when it is done", {
    retryAfterMs: 1_000,
  });
