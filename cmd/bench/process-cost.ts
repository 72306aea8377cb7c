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
