import { machineMs } from "./machine-clock.js";
import type { Store } from "./store.js";

/** What Redis's clock shows more than the machine's monotonic one, in milliseconds, by the quickest of some answers. */
export async function redisOffsetMs(store: Store): Promise<number> {
  const client = store.observer();
  let best = { tookMs: Number.POSITIVE_INFINITY, offsetMs: 0 };
  for (let i = 0; i < 9; i++) {
    const sentMs = machineMs();
    const [seconds, microseconds] = await client.time();
    const tookMs = machineMs() - sentMs;
    const redisMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    if (tookMs < best.tookMs) best = { tookMs, offsetMs: redisMs - sentMs - tookMs / 2 };
  }
  client.disconnect();
  return best.offsetMs;
}
