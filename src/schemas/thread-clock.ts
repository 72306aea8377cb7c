import { readFileSync, readlinkSync } from "node:fs";
import type { Worker } from "node:worker_threads";

/** How much work a thread has done since it started, in milliseconds. It only grows while the thread runs. */
export type ThreadClock = () => number;

/** Makes the clock of a worker's thread. `thread` is what `threadName` said in the worker. */
export type ThreadClockOf = (worker: Worker, thread: string) => ThreadClock;

/** Clock ticks a second in /proc: Linux shows programs a hundred, whatever the kernel counts by. */
const TICK_MS = 10;
/**
 * What counts of a second in which a worker was not idle, where the system does not tell how much of it the thread ran: on a
 * machine that is ten times as busy as it can be, a budget lasts as long as it should.
 */
const SHARE_OF_ACTIVE = 0.1;

/** What the system calls the thread that asks; empty where it does not say. */
export function threadName(): string {
  try {
    return readlinkSync("/proc/thread-self").split("/").at(-1) ?? "";
  } catch {
    return "";
  }
}

/**
 * CPU time of the thread, so that a busy machine costs no budget. Linux gives it for each thread of a process; elsewhere it is a
 * tenth of the time in which the worker was not idle.
 */
export const cpuClockOf: ThreadClockOf = (worker, thread) => {
  if (cpuTimeOf(thread) === undefined) return () => worker.performance.eventLoopUtilization().active * SHARE_OF_ACTIVE;
  let last = 0;
  return () => {
    last = cpuTimeOf(thread) ?? last; // it has just ended
    return last;
  };
};

/**
 * CPU time that a thread of this process has used, in milliseconds; nothing where the system does not say. Reading it takes up to
 * 0.3 ms.
 *
 * User and system time, fields 14 and 15 of proc(5)'s stat. The name of the command, field 2, may have spaces and brackets.
 */
export function cpuTimeOf(thread: string): number | undefined {
  if (thread === "") return undefined;
  try {
    const stat = readFileSync(`/proc/self/task/${thread}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = Number(fields[11]) + Number(fields[12]);
    return Number.isNaN(ticks) ? undefined : ticks * TICK_MS;
  } catch {
    return undefined;
  }
}

/** How much CPU time of a running thread the system may not have counted yet, in milliseconds: a tick of its clock, mostly. */
const UNCOUNTED_MS = 4;

/**
 * Measures what this thread does from now on, in milliseconds: its CPU time where the system gives that finely enough, so that
 * others' use of the machine adds next to nothing, and never more than the time that has passed.
 *
 * Linux gives the nanoseconds that a thread has run in the first field of schedstat.
 */
export function measureThread(): () => number {
  const [sinceMs, sinceCpuMs] = [performance.now(), ownCpuMs()];
  return () => {
    const tookMs = performance.now() - sinceMs;
    if (tookMs <= UNCOUNTED_MS || sinceCpuMs === undefined) return tookMs;
    const cpuMs = ownCpuMs();
    return cpuMs === undefined ? tookMs : Math.min(tookMs, cpuMs - sinceCpuMs + UNCOUNTED_MS);
  };
}

function ownCpuMs(): number | undefined {
  try {
    const nanoseconds = Number(readFileSync("/proc/thread-self/schedstat", "latin1").split(" ", 1)[0]);
    return Number.isNaN(nanoseconds) ? undefined : nanoseconds / 1e6;
  } catch {
    return undefined;
  }
}
