import { readFileSync } from "node:fs";

/** What the event loop of a process did with its time, for a while. */
export interface LoopReport {
  /** How long something that comes at any moment waits for the loop, in milliseconds of CPU time: 99 of 100 wait for less. */
  readonly p99Ms: number;
  /** The longest that the loop was held, in milliseconds of CPU time. */
  readonly longestMs: number;
}

/** How often the loop is looked at, in milliseconds. */
const LOOK_EVERY_MS = 3;
/** How exactly the share is found, in milliseconds. */
const EXACT_MS = 0.01;

/** What the main thread has used, and for how long it was ready and no core was free, in milliseconds. */
interface Times {
  readonly cpuMs: number;
  readonly starvedMs: number;
  readonly atMs: number;
}

/**
 * Watches how long this process holds its event loop, by the CPU time of its main thread: what the loop loses because other processes
 * have the cores counts for nothing. So it says how late the process itself makes what it is asked, also on a machine that is far too
 * small for all that runs there. Only Linux tells: elsewhere the report has no numbers.
 *
 * @returns what gives the report, and ends the watch.
 */
export function watchLoop(): () => LoopReport {
  const held: number[] = [];
  let allMs = 0;
  let last = readTimes();
  const timer = setInterval(() => {
    const now = readTimes();
    const cpuMs = now.cpuMs - last.cpuMs;
    allMs += Math.max(cpuMs, now.atMs - last.atMs - (now.starvedMs - last.starvedMs));
    held.push(cpuMs);
    last = now;
  }, LOOK_EVERY_MS);
  return () => {
    clearInterval(timer);
    return { p99Ms: exceededFor(held, 0.01 * allMs), longestMs: held.reduce((most, ms) => Math.max(most, ms), 0) };
  };
}

/** What is left of the turns at their moments is more than the answer for so long, in all. */
export function exceededFor(turnsMs: readonly number[], ms: number): number {
  let low = 0;
  let high = turnsMs.reduce((most, turnMs) => Math.max(most, turnMs), 0);
  while (high - low > EXACT_MS) {
    const middle = (low + high) / 2;
    const overMs = turnsMs.reduce((sum, turnMs) => sum + Math.max(0, turnMs - middle), 0);
    if (overMs > ms) low = middle;
    else high = middle;
  }
  return high;
}

/** Not numbers where the system does not tell. */
function readTimes(): Times {
  let [cpu = Number.NaN, starved = Number.NaN]: number[] = [];
  try {
    [cpu = cpu, starved = starved] = readFileSync("/proc/self/schedstat", "utf8").split(" ").map(Number);
  } catch {
    // only Linux has it
  }
  return { cpuMs: cpu / 1_000_000, starvedMs: starved / 1_000_000, atMs: performance.now() };
}
