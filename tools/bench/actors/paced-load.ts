import { setTimeout as after } from "node:timers/promises";
import type { Caller } from "../callers/caller.js";

/** What became of calls that were made at a steady pace, whatever became of those before them. */
export interface PacedReport {
  readonly calls: number;
  readonly failed: number;
  /** The first failure. */
  readonly failure: string | undefined;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** The longest call of those made in each second, in milliseconds. */
  readonly longestBySecondMs: readonly number[];
}

interface Pace {
  readonly everyMs: number;
  running: boolean;
  readonly over: Promise<PacedReport>;
}

let pace: Pace | undefined;

/** Begins to call. Only one pace is kept at a time. */
export function beginPaced(caller: Caller, everyMs: number): null {
  const own: Pace = { everyMs, running: true, over: Promise.resolve().then(() => keepPace(caller, own)) };
  pace = own;
  return null;
}

/** Makes no more calls; resolves when all have ended. */
export async function endPaced(): Promise<PacedReport> {
  if (pace === undefined) throw new Error("Nothing is called at a pace.");
  pace.running = false;
  return await pace.over;
}

async function keepPace(caller: Caller, own: Pace): Promise<PacedReport> {
  const latencies: number[] = [];
  const longestBySecondMs: number[] = [];
  let failed = 0;
  let failure: string | undefined;
  const calls: Promise<void>[] = [];
  const startedAt = performance.now();
  while (own.running) {
    const calledAt = performance.now();
    calls.push(
      new Promise((resolve) => {
        caller.call((error) => {
          const tookMs = performance.now() - calledAt;
          latencies.push(tookMs);
          const second = Math.floor((calledAt - startedAt) / 1_000);
          longestBySecondMs[second] = Math.max(longestBySecondMs[second] ?? 0, tookMs);
          if (error !== undefined) failed += 1;
          failure ??= error?.message;
          resolve();
        });
      }),
    );
    await after(Math.max(0, startedAt + calls.length * own.everyMs - performance.now()));
  }
  await Promise.all(calls);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return {
    ...{ calls: calls.length, failed, failure, longestBySecondMs },
    ...{ medianMs: quantile(0.5), p99Ms: quantile(0.99), maxMs: quantile(1) },
  };
}
