import { readdirSync, readFileSync } from "node:fs";

/** The CPU time that a process has used so far, in microseconds; undefined where the system does not tell (only Linux does). */
export function cpuMicros(pid: number): number | undefined {
  try {
    let nanoseconds = 0;
    // By thread, since only threads are counted finer than in hundredths of a second.
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    }
    return Number.isFinite(nanoseconds) ? nanoseconds / 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/**
 * For how long a process's main thread was ready to run and no core was free, in microseconds; undefined where the system does not
 * tell. What a single-threaded server loses so is the machine's doing, not its own.
 */
export function starvedMicros(pid: number): number | undefined {
  try {
    const nanoseconds = Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]);
    return Number.isFinite(nanoseconds) ? nanoseconds / 1_000 : undefined;
  } catch {
    return undefined;
  }
}

/** A hundredth of a second: what Linux counts the whole machine's time in, whatever its own clock. */
const TICK_MICROS = 10_000;

/** The CPU time that the whole machine has used so far, in microseconds; undefined where the system does not tell. */
export function machineCpuMicros(): number | undefined {
  try {
    const [, user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
      readFileSync("/proc/stat", "utf8").split("\n", 1)[0]?.split(/\s+/).map(Number) ?? [];
    return (user + nice + system + irq + softirq) * TICK_MICROS;
  } catch {
    return undefined;
  }
}
