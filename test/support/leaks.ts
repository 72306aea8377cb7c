import { execFileSync } from "node:child_process";
import type { Redis } from "ioredis";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "./until.js";

/** The keys that stay without an expiry, by what follows their shard's prefix; each is bounded otherwise. */
const PERMANENT =
  /^(toolsets|health|epochs|changes|due|presence|shards|format|nodes|audit|audit-key|key-uses|documents|document-changes|(requests|dead|document|removed-documents):.+)$/;

/**
 * Proves that a test file leaves nothing behind: no child process, no open handle. Call it first in the file, before
 * `redisForFile` and the like: hooks after all tests run last in, first out, so its own runs when they have finished.
 */
export function expectNoLeaks(): void {
  let before: string[] = [];
  beforeAll(() => {
    before = openResources();
  });
  afterAll(async () => {
    await until("every child process has ended", () => {
      const left = descendants(process.pid);
      if (left.length > 0) throw new Error(`still there:\n${left.join("\n")}`);
      return true;
    });
    await until("every handle is closed", () => {
      const left = added(before, openResources());
      if (left.length > 0) throw new Error(`still open: ${left.join(", ")}`);
      return true;
    });
  });
}

/**
 * Proves that every key has an expiry, save those that are declared permanent.
 *
 * @param client a client of the Redis to look at.
 */
export async function expectKeysToExpire(client: Redis): Promise<void> {
  const eternal: string[] = [];
  for await (const keys of client.scanStream({ count: 500 })) {
    for (const key of keys as string[]) {
      // what SCAN answers
      if ((await client.pttl(key)) === -1 && !PERMANENT.test(key.replace(/^toolgate:\{[^}]*\}:/, "")))
        eternal.push(key);
    }
  }
  expect(eternal, "keys that never expire").toEqual([]);
}

/** What keeps this process busy. Timers are left out: the test runner has its own. */
function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((kind) => kind !== "Timeout" && kind !== "Immediate");
}

/** The resources that are there now and were not before, counted by kind. */
function added(before: readonly string[], now: readonly string[]): string[] {
  const rest = [...now];
  for (const kind of before) {
    const at = rest.indexOf(kind);
    if (at >= 0) rest.splice(at, 1);
  }
  return rest;
}

/** `pid command` of each process below one; the listing command itself and what has ended are left out. */
export function descendants(pid: number): string[] {
  const listing = execFileSync("ps", ["-A", "-o", "pid=,ppid=,stat=,args="], { encoding: "utf8" });
  const processes = listing.split("\n").flatMap((row) => {
    const match = /^\s*(\d+)\s+(\d+)\s+([^Z\s]\S*)\s+(.*)$/.exec(row);
    return match ? [{ pid: Number(match[1]), parent: Number(match[2]), command: match[4] ?? "" }] : [];
  });
  const below = (parent: number): typeof processes =>
    processes.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)]);
  return below(pid)
    .filter((one) => !one.command.startsWith("ps -A -o"))
    .map((one) => `${one.pid} ${one.command}`);
}

/** Whether a process has ended; one that has not been waited for yet counts as ended. */
export function hasEnded(pid: number): boolean {
  try {
    return /^\s*Z/.test(execFileSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }));
  } catch {
    return true; // ps ends with 1 when there is no such process
  }
}
