import type { RedisClient } from "./redis-client.js";

/** Redis's clock, as a node can know it: for displays and for deciding when to look, never for a lease or deadline. */
export interface RedisClock {
  /** Unix milliseconds by Redis's clock, estimated. */
  nowMs(): number;
}

const SAMPLE_INTERVAL_MS = 5_000;

/** Follows Redis's clock by its offset from the local monotonic clock, which no administrator can step. */
export class SampledRedisClock implements RedisClock {
  readonly #redis: Pick<RedisClient, "time">;
  readonly #monotonicMs: () => number;
  #offsetMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(redis: Pick<RedisClient, "time">, monotonicMs: () => number) {
    this.#redis = redis;
    this.#monotonicMs = monotonicMs;
  }

  nowMs(): number {
    return Math.round(this.#monotonicMs() + (this.#offsetMs ?? 0));
  }

  async start(): Promise<void> {
    await this.#sample();
    this.#timer = setInterval(() => void this.#sample().catch(ignore), SAMPLE_INTERVAL_MS);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  async #sample(): Promise<void> {
    const sentMs = this.#monotonicMs();
    const [seconds, microseconds] = await this.#redis.time();
    const receivedMs = this.#monotonicMs();
    const redisMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000;
    // The true offset lies between these two, wherever the time of the answer went. A slow answer, as after the process
    // stood still, says little: what was known before stays as far as it agrees.
    const [least, most] = [redisMs - receivedMs, redisMs - sentMs];
    const known = this.#offsetMs ?? (least + most) / 2;
    this.#offsetMs = Math.min(Math.max(known, least), most);
  }
}

/** While Redis is away the last offset is the best there is. */
function ignore(): void {}
