import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

const LOW_PRIORITY = 19;
/** Linux gives each session the same share of a core, whatever the priority of its processes, unless the session's is lowered. */
const AUTOGROUP = "/proc/self/autogroup";

/** Leaves the machine to what is measured: this process stands for others' machines. */
export function yieldToOthers(): void {
  setPriority(LOW_PRIORITY);
  try {
    writeFileSync(AUTOGROUP, String(LOW_PRIORITY));
  } catch {
    // Sessions are no groups here.
  }
}
