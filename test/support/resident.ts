import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** How often a process is looked at, in milliseconds: where there is no `/proc`, asking costs a process. */
const EVERY_MS = process.platform === "linux" ? 20 : 500;

/** The resident memory of a process, in bytes. */
export function residentBytes(pid: number): number {
  if (process.platform !== "linux")
    return 1_024 * Number(execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" }));
  const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return 1_024 * Number(kib);
}

/** Options of Node.js for a process whose garbage is to be collected when `collectGarbage` says so. */
export const COLLECTS_ON_SIGNAL: readonly string[] = [
  "--expose-gc",
  `--import=${fileURLToPath(new URL("collect-on-signal.mjs", import.meta.url))}`,
];

/**
 * Has a process that was started with `COLLECTS_ON_SIGNAL` collect its garbage; soon, not at once. Without it a process's
 * memory says little of what it holds: V8 lets buffers of up to 64 MiB (`kExternalAllocationSoftLimit`) lie dead before it
 * collects for their sake.
 */
export function collectGarbage(pid: number): void {
  process.kill(pid, "SIGUSR2");
}

/** Watches a process's resident memory until it is asked for the most that it saw, in bytes. */
export function watchResident(pid: number): () => number {
  let most = residentBytes(pid);
  const look = setInterval(() => {
    most = Math.max(most, residentBytes(pid));
  }, EVERY_MS);
  return () => {
    clearInterval(look);
    return Math.max(most, residentBytes(pid));
  };
}
