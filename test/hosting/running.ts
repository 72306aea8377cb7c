import { listProcesses } from "../../src/hosting/process-tree.js";

/** Which processes run. A zombie, which its parent has not noticed yet, does not. */
export async function running(...pids: number[]): Promise<boolean[]> {
  const alive = new Set((await listProcesses()).map(({ pid }) => pid));
  return pids.map((pid) => alive.has(pid));
}
