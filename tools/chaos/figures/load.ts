import { setTimeout as delay } from "node:timers/promises";
import { connect, type Toolgate } from "../../../src/index.js";
import { TOOLS, type ToolInput } from "../call-plan.js";
import type { ChaosCluster } from "../chaos-cluster.js";
import type { Delivery } from "../history.js";
import { machineMs } from "../machine-clock.js";

/** Asks at an even pace, whatever becomes of the answers, until a time is over or it is asked to stop. */
export async function pace(
  perSecond: number,
  until: { readonly durationMs: number; readonly signal: AbortSignal },
  ask: (n: number) => void,
): Promise<void> {
  const startMs = machineMs();
  for (let n = 1; !until.signal.aborted; n++) {
    const dueMs = (n * 1_000) / perSecond;
    if (dueMs > until.durationMs) return;
    const earlyMs = startMs + dueMs - machineMs();
    if (earlyMs > 0) await delay(earlyMs);
    ask(n);
  }
}

/** A call that works so long, in milliseconds. */
export function work(ms: number): ToolInput {
  return { n: 0, ms, pieces: 0, stubborn: false };
}

/** What became of a steady load. */
export interface LoadResult {
  readonly calls: number;
  /** What each call that did not come back with its result failed with. */
  readonly failures: readonly string[];
  /** From asking to the result, in milliseconds. */
  readonly timesMs: readonly number[];
}

/** A steady load of short calls on a toolset while something else is done, by ordinary clients. */
export async function underLoad(
  cluster: ChaosCluster,
  load: { readonly toolset: string; readonly perSecond: number; readonly signal: AbortSignal },
  during: () => Promise<void>,
): Promise<LoadResult> {
  const clients = await Promise.all([connect(cluster.agentAddresses), connect(cluster.agentAddresses)]);
  const failures: string[] = [];
  const timesMs: number[] = [];
  const pending = new Set<Promise<void>>();
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, load.signal]);
  const ask = async (client: Toolgate, n: number): Promise<void> => {
    const tool = TOOLS[n % 2 === 0 ? "once" : ("idempotent" satisfies Delivery)];
    const fromMs = machineMs();
    try {
      await client.invoke(load.toolset, tool, { ...work(n % 40), n });
      timesMs.push(machineMs() - fromMs);
    } catch (error) {
      failures.push(`call ${n}: ${String(error)}`);
    }
  };
  const paced = pace(load.perSecond, { durationMs: Number.POSITIVE_INFINITY, signal }, (n) => {
    const client = clients[n % clients.length];
    if (client === undefined) return;
    const asked = ask(client, n).finally(() => pending.delete(asked));
    pending.add(asked);
  });
  try {
    await during();
  } finally {
    over.abort();
    await paced;
    await Promise.all(pending);
    await Promise.all(clients.map((client) => client.close()));
  }
  return { calls: failures.length + timesMs.length, failures, timesMs };
}
