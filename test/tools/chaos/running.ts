import { type ChildProcess, spawn } from "node:child_process";
import { inject } from "vitest";
import { environment } from "../../../src/config/environment.js";
import { builtProgram } from "../../../src/local-cluster/package-root.js";
import "../../support/provided.js";

/** The program of `npm run chaos`, run from a build. */
export interface Running {
  readonly child: ChildProcess;
  /** What it printed so far, both streams. */
  readonly output: () => string;
  /** What it printed on standard output. */
  readonly told: () => string;
  /** Resolves with its status, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/**
 * Starts the program.
 *
 * @param root the folder of the build that it and all that it starts run from; the bundled one unless given
 */
export function runChaosProgram(args: readonly string[], root: string = inject("bundledRoot")): Running {
  const { npm_lifecycle_event: _script, ...env } = environment(); // it would watch the test runner's npm
  const child = spawn(process.execPath, [builtProgram("tools/chaos/chaos.js", root), ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
  let told = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    told += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once("close", (code, signal) => resolve(signal ?? code));
  });
  return { child, output: () => output, told: () => told, ended };
}
