import type { ShardKeys } from "./keys.js";
import { AWAY_AFTER_MS } from "./presence.js";
import type { RedisClock } from "./redis-time.js";

/** What a node knows of one shard. */
interface Heard {
  readonly atMs: number;
  readonly heldAtMs: number | undefined;
}

/**
 * The time by which this node judges leases and health, as the scripts do by presence.ts: Redis's clock; the beginning of an absence
 * while that is heeded; and where this node has not heard from Redis for as long as makes an absence, the time at which it did, for
 * the first that it hears may be that there was one.
 *
 * What is asked for no shard alone is told by the one whose time is earliest: a node shows at most what a script of another shard
 * then judges otherwise.
 */
export class LeaseClock implements RedisClock {
  readonly #clock: RedisClock;
  readonly #heard = new Map<ShardKeys, Heard>();

  constructor(clock: RedisClock) {
    this.#clock = clock;
  }

  /** @param keys the shard; all of them where it is absent. */
  nowMs(keys?: ShardKeys): number {
    const nowMs = this.#clock.nowMs();
    const heard = keys === undefined ? this.#heard.values() : [this.#heard.get(keys)];
    let leaseMs = nowMs;
    for (const one of heard) {
      if (one?.heldAtMs !== undefined) leaseMs = Math.min(leaseMs, one.heldAtMs);
      else if (one !== undefined && nowMs - one.atMs > AWAY_AFTER_MS) leaseMs = Math.min(leaseMs, one.atMs);
    }
    return leaseMs;
  }

  /** A shard has answered. @param heldAtMs see `Settled`. */
  heard(keys: ShardKeys, heldAtMs: number | undefined): void {
    this.#heard.set(keys, { atMs: this.#clock.nowMs(), heldAtMs });
  }
}
