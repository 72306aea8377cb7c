import { inject } from "vitest";
import { builtProgram } from "../../src/local-cluster/package-root.js";
import "../support/provided.js";
import { type Ended, type Running, type RunOptions, startProgram } from "../support/start-program.js";

export interface ToolgateOptions extends RunOptions {
  /** The folder of another build than the bundled one. */
  readonly root?: string;
}

/** Starts the built command line, bundled, as a process of its own. */
export function startToolgate(args: readonly string[], options: ToolgateOptions = {}): Running {
  const { env = {}, root = inject("bundledRoot"), ...run } = options;
  // The user that runs the tests may have contexts; they are not meant.
  const own = { XDG_CONFIG_HOME: "/nonexistent", ...env };
  return startProgram(process.execPath, [builtProgram("cmd/toolgate.js", root), ...args], { ...run, env: own });
}

/** Runs it to its end. */
export async function runToolgate(args: readonly string[], options: ToolgateOptions = {}): Promise<Ended> {
  return await startToolgate(args, options).ended;
}
