import type { ShardKeys } from "../redis/keys.js";
import type { RedisClock } from "../redis/redis-time.js";
import { AWAY_AFTER_MS } from "./presence.js";

/** What a node knows of one shard. */
interface Heard {
  readonly atMs: number;
  readonly heldAtMs: number | undefined;
}

/**
 * The time by which this node judges leases and health, as the scripts do by presence.ts: Redis's clock; the beginning of an absence
 * while that is heeded; and where this node has not heard from Redis for as long as makes an absence, the time at which it did, for
 * the first that it hears may be that there was one. Each shard has its own: the absence of one says nothing of another's leases.
 */
export class LeaseClock {
  readonly #clock: RedisClock;
  readonly #heard = new Map<ShardKeys, Heard>();

  constructor(clock: RedisClock) {
    this.#clock = clock;
  }

  /** Unix milliseconds by Redis's clock, estimated. */
  nowMs(keys: ShardKeys): number {
    const nowMs = this.#clock.nowMs();
    const heard = this.#heard.get(keys);
    if (heard?.heldAtMs !== undefined) return Math.min(nowMs, heard.heldAtMs);
    return heard !== undefined && nowMs - heard.atMs > AWAY_AFTER_MS ? heard.atMs : nowMs;
  }

  /** A shard has answered. @param heldAtMs see `Settled`. */
  heard(keys: ShardKeys, heldAtMs: number | undefined): void {
    this.#heard.set(keys, { atMs: this.#clock.nowMs(), heldAtMs });
  }
}
