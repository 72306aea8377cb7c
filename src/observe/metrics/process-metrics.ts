import { readdirSync } from "node:fs";
import {
  constants,
  type IntervalHistogram,
  monitorEventLoopDelay,
  PerformanceObserver,
  performance,
} from "node:perf_hooks";
import type { MetricsRegistry } from "./metrics-registry.js";

/** How often the loop's delay is sampled, in milliseconds: each sample is a timer. */
const SAMPLE_MS = 20;
/** For how long the delays are gathered that one reading tells of, at least, in milliseconds. */
const WINDOW_MS = 10_000;

const GC_KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak_callbacks"],
]);
/** A garbage collection, as Node tells of it. */
interface GcEntry {
  readonly duration: number;
  readonly detail: { readonly kind: number };
}

const QUANTILES = [
  ["0.5", 50],
  ["0.99", 99],
  ["1", 100],
] as const;

/** What the process and its event loop take. Nothing is measured before `start`. */
export class ProcessMetrics {
  readonly #delays: IntervalHistogram = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  readonly #gc: PerformanceObserver;
  #read: { readonly atMs: number; readonly delays: readonly (readonly [readonly [string], number])[] } = {
    atMs: Number.NEGATIVE_INFINITY,
    delays: [],
  };

  constructor(registry: MetricsRegistry) {
    const gcSeconds = registry.counters("toolgate_gc_seconds_total");
    this.#gc = new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { duration, detail } = entry as unknown as GcEntry; // no others are observed
        gcSeconds(GC_KINDS.get(detail.kind) ?? "other").add(duration / 1_000);
      }
    });
    registry.read("toolgate_loop_seconds_total", () => {
      const { active, idle } = performance.eventLoopUtilization();
      return [
        [["active"], active / 1_000],
        [["idle"], idle / 1_000],
      ];
    });
    registry.read("toolgate_loop_delay_seconds", () => this.#loopDelays());
    registry.read("toolgate_heap_bytes", () => {
      const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
      return [
        [["used"], heapUsed],
        [["total"], heapTotal],
        [["external"], external],
        [["array_buffers"], arrayBuffers],
      ];
    });
    registry.read("process_cpu_seconds_total", () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / 1_000_000;
    });
    registry.read("process_resident_memory_bytes", () => process.memoryUsage.rss());
    registry.read("process_start_time_seconds", () => performance.timeOrigin / 1_000);
    registry.read("process_open_fds", openFiles);
  }

  start(): void {
    this.#delays.enable();
    this.#gc.observe({ entryTypes: ["gc"] });
  }

  /** Idempotent. */
  stop(): void {
    this.#delays.disable();
    this.#gc.disconnect();
  }

  /** Several scrapers may read in turns: the delays of one window are the same for each of them. */
  #loopDelays(): readonly (readonly [readonly [string], number])[] {
    const nowMs = performance.now();
    if (nowMs - this.#read.atMs < WINDOW_MS) return this.#read.delays;
    // A sample is the time between two timers, of which a part was meant to pass.
    const delays = QUANTILES.map(([quantile, percentile]) => {
      const seconds = this.#delays.percentile(percentile) / 1e9 - SAMPLE_MS / 1_000;
      return [[quantile], Math.max(0, seconds)] as const;
    });
    this.#delays.reset();
    this.#read = { atMs: nowMs, delays };
    return delays;
  }
}

/** How many file descriptors are open, but for the one that it takes to look; undefined where the system does not tell. */
function openFiles(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}
