import { builtProgram } from "../../src/local-cluster/package-root.js";
import { type Ended, type Running, type RunOptions, startProgram } from "../support/start-program.js";

/** Starts the built command line as a process of its own. */
export function startToolgate(args: readonly string[], { env = {}, ...options }: RunOptions = {}): Running {
  // The user that runs the tests may have contexts; they are not meant.
  const own = { XDG_CONFIG_HOME: "/nonexistent", ...env };
  return startProgram(process.execPath, [builtProgram("cmd/toolgate.js"), ...args], { ...options, env: own });
}

/** Runs it to its end. */
export async function runToolgate(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  return await startToolgate(args, options).ended;
}
