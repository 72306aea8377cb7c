import { renameSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Machine } from "../../src/local-cluster/machine.js";
import { builtProgram } from "../../src/local-cluster/package-root.js";

/** libfaketime's library, as `faketime` itself would load it; undefined where it is not installed. */
export async function findFaketime(machine: Machine): Promise<string | undefined> {
  const faketime = machine.find("faketime");
  const printenv = machine.find("printenv");
  if (faketime === undefined || printenv === undefined) return undefined;
  const { status, stdout } = await machine.run(faketime, ["-f", "+0", printenv, "LD_PRELOAD"]);
  const library = stdout.trim();
  return status === 0 && library !== "" ? library : undefined;
}

/** What a Node process is to be started with so that its wall clock is off by `offMs` all its life, or stands. */
export function skewedClock(offMs: number, stands: boolean): NodeJS.ProcessEnv {
  const preload = pathToFileURL(builtProgram("tools/chaos/skewed-clock.js")).href;
  return { NODE_OPTIONS: `--import=${preload}`, CHAOS_CLOCK_OFF_MS: String(offMs), CHAOS_CLOCK_STANDS: String(stands) };
}

/** The wall clock of one process, which can be stepped while it runs; its monotonic clock stays true. */
export class ClockFile {
  readonly #file: string;
  readonly #library: string;

  /** @param library libfaketime's, see `findFaketime` */
  constructor(file: string, library: string) {
    this.#file = file;
    this.#library = library;
    this.step(0);
  }

  /** What the process is to be started with. */
  get environment(): NodeJS.ProcessEnv {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      // The file is looked at once a second: a step takes effect within that.
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1", // its name in versions before 0.9.8
    };
  }

  /** Sets the clock `seconds` after the machine's; negative, before it. */
  step(seconds: number): void {
    // Never half a file: the process may read it at any time.
    writeFileSync(`${this.#file}.next`, `${seconds < 0 ? "" : "+"}${seconds}s\n`);
    renameSync(`${this.#file}.next`, this.#file);
  }
}
