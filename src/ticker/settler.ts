import type { CallStore } from "../calls/call-store.js";
import { settleCalls } from "../calls/settle.js";
import type { Logger } from "../log/logger.js";
import { every, type Repeating } from "./every.js";

/** How often every node looks for calls whose time has come, in milliseconds: a call ends at most 1 s after its deadline. */
const INTERVAL_MS = 200;

/**
 * Settles calls whose deadline or claim has passed. Every node does it, since no election may stand between a call and
 * its end; the script decides, so two nodes at once change nothing.
 */
export function createSettler(store: CallStore, random: () => number, log: Logger): Repeating {
  return every(
    // A little chance keeps the nodes apart.
    () => INTERVAL_MS * (0.75 + 0.5 * random()),
    async () => {
      for (const keys of store.keyspace.shards) {
        for (;;) {
          const { ended, redelivered, told, more } = await settleCalls(store, keys);
          if (ended + redelivered + told > 0) log.info({ event: "calls_settled", ended, redelivered, told });
          if (!more) break;
        }
      }
    },
    (error) => log.debug({ event: "settle_failed", message: error instanceof Error ? error.message : String(error) }),
  );
}
