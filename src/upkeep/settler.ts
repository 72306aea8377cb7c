import { every, type Repeating } from "../async/every.js";
import type { ToolsetView } from "../catalog/toolset-view.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import { ShardRunner } from "../redis/shard-runner.js";
import type { CallStore } from "../store/calls/call-store.js";
import { restoreDeadlines } from "../store/calls/restore-deadlines.js";
import { settleCalls } from "../store/calls/settle.js";
import type { LeaseClock } from "../store/lease-clock.js";

/** How often every node looks for calls whose time has come, in milliseconds: a call ends at most 1 s after its deadline. */
const INTERVAL_MS = 200;

/**
 * Notes in Redis that this node is there (see presence.ts), and settles calls whose deadline or claim has passed. Every node does
 * it, since no election may stand between a call and its end; the script decides, so two nodes at once change nothing.
 */
export function createSettler(
  store: CallStore,
  toolsets: () => Iterable<ToolsetView>,
  leases: Pick<LeaseClock, "heard">,
  random: () => number,
  log: Logger,
  faults: FaultLog,
): Repeating {
  const epochsOf = (keys: ShardKeys) =>
    [...toolsets()]
      .filter(({ name }) => store.keyspace.forToolset(name) === keys)
      .flatMap(({ name, epochs }) => epochs.map(({ epoch }) => ({ toolset: name, epoch })));
  const onError = (error: unknown): void => faults.warn({ event: "settle_failed", error });
  const runner = new ShardRunner(store.keyspace.shards, onError);
  /** Where lines are looked through. It may take long, and calls end meanwhile. */
  const restoring = new Map<ShardKeys, Promise<void>>();
  const restore = (keys: ShardKeys): void => {
    const running = restoreDeadlines(store, keys, epochsOf(keys))
      .catch(onError)
      .finally(() => restoring.delete(keys));
    restoring.set(keys, running);
  };
  const settle = async (keys: ShardKeys): Promise<void> => {
    for (;;) {
      const { ended, redelivered, told, more, heldAtMs, search } = await settleCalls(store, keys, !restoring.has(keys));
      leases.heard(keys, heldAtMs);
      if (search) restore(keys);
      if (ended + redelivered + told > 0) log.info({ event: "calls_settled", ended, redelivered, told });
      if (!more) break;
    }
  };
  const loop = every(
    // A little chance keeps the nodes apart.
    () => INTERVAL_MS * (0.75 + 0.5 * random()),
    async () => void runner.runOnAll(settle),
    onError,
  );
  return {
    start: loop.start,
    async stop() {
      await loop.stop();
      await runner.idle();
      await Promise.all(restoring.values());
    },
  };
}
