import { pollUntil, type RedisMember } from "../../src/local-cluster/redis-member.js";
import { machineMs } from "./machine-clock.js";
import type { Failover, Loss } from "./store.js";

/** Another master has the place of a lost one within this, in milliseconds; else the run cannot go on. */
const REPLACED_WITHIN_MS = 30_000;

/** Servers with a master. */
export interface MasterGroup {
  /** The master now, as the servers that run say. */
  master(): Promise<RedisMember>;
  /** Tells one that has been started again whom to follow; without it, it finds out by itself. */
  welcome?(returned: RedisMember, master: RedisMember): Promise<void>;
  /** Resolves when all servers that run agree on their roles. */
  settled(): Promise<void>;
}

/** Loses the master until another one has its place; resolves when it has come back and all agree. */
export async function loseMaster(how: Loss, group: MasterGroup): Promise<Failover> {
  const lost = await group.master();
  const lostMs = machineMs();
  if (how === "kill") await lost.kill();
  else lost.freeze();
  let replacedMs = lostMs;
  try {
    await pollUntil("another server is the master", REPLACED_WITHIN_MS, async () => (await group.master()) !== lost);
    replacedMs = machineMs();
  } finally {
    if (how === "kill") await lost.start();
    else lost.thaw();
  }
  if (how === "kill") await group.welcome?.(lost, await group.master());
  await group.settled();
  return { lostMs, replacedMs, settledMs: machineMs() };
}
