import { machineMs } from "./machine-clock.js";

/**
 * A program that stops a process for a while: SIGSTOP, and SIGCONT when the time is over, or when it is asked to end itself,
 * or when its parent dies. So nothing stays frozen, whatever becomes of the parent.
 *
 * Arguments: the process id, and for how many milliseconds. It prints the machine's time of each signal as a JSON line.
 */
const [pid = 0, forMs = 0] = process.argv.slice(2).map(Number);

const thaw = (): void => {
  try {
    process.kill(pid, "SIGCONT");
  } catch {
    // it has ended meanwhile
  }
  console.log(JSON.stringify({ thawedAtMs: machineMs() }));
  process.exit(0);
};

process.on("SIGTERM", thaw);
process.kill(pid, "SIGSTOP");
console.log(JSON.stringify({ frozenAtMs: machineMs() }));
setTimeout(thaw, forMs);
