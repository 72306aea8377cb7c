import type { Machine } from "../../../src/local-cluster/machine.js";

/** Runs a command that must succeed; what it printed comes back. @throws Error with what it said when it did not. */
export async function runTool(machine: Machine, command: string, args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await machine.run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with status ${status}:\n${stdout}${stderr}`);
  return stdout;
}
