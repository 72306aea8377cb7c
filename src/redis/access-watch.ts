import { every, type Repeating } from "../async/every.js";
import { readDenial } from "../errors/redis-denial.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { NodeId } from "../identity/names.js";
import type { Logger } from "../observe/logger.js";
import { missingAccess, type RedisUse } from "./access.js";
import type { ShardKeys } from "./keys.js";
import type { RedisClient } from "./redis-client.js";
import { ShardRunner } from "./shard-runner.js";

/** How often Redis is asked what the node's user may do, in milliseconds. A refusal is looked into at once. */
const INTERVAL_MS = 5_000;

export interface AccessWatchSettings {
  readonly redis: RedisClient;
  readonly shards: readonly ShardKeys[];
  readonly node: NodeId;
  readonly use: RedisUse;
  readonly log: Logger;
  /** `granted` has changed. */
  readonly onChange: () => void;
}

/**
 * Knows whether Redis lets the node do what a call needs, in every shard: a node that may not notify, say, would take calls and leave
 * them lying. It does not start so, and is not ready while it is so.
 */
export class AccessWatch {
  readonly #settings: AccessWatchSettings;
  /** By shard: what is missing there. */
  readonly #missing = new Map<ShardKeys, string>();
  readonly #loop: Repeating;
  readonly #runner: ShardRunner;

  constructor(settings: AccessWatchSettings) {
    this.#settings = settings;
    // A shard's master is away: what was known of it before stays.
    this.#runner = new ShardRunner(settings.shards, () => {});
    this.#loop = every(
      () => INTERVAL_MS,
      async () => void this.#checkAll(),
      () => {},
    );
  }

  /** Whether the user may do all that is needed, as far as is known. */
  get granted(): boolean {
    return this.#missing.size === 0;
  }

  /** @throws ToolgateError STORE_UNAVAILABLE when something is missing: what it is, and the rule that allows it. */
  async start(): Promise<void> {
    const { redis, shards } = this.#settings;
    await Promise.all(
      shards.map(async (shard) => {
        const missing = await this.#missingOf(shard);
        if (missing !== undefined) throw new ToolgateError("STORE_UNAVAILABLE", missing);
      }),
    );
    redis.onDenied = () => {
      if (this.granted) void this.#checkAll();
    };
    this.#loop.start();
  }

  async stop(): Promise<void> {
    this.#settings.redis.onDenied = undefined;
    await this.#loop.stop();
    await this.#runner.idle();
  }

  async #checkAll(): Promise<void> {
    await this.#runner.runOnAll(async (shard) => this.#report(shard, await this.#missingOf(shard)));
  }

  /** What is missing in a shard; where not even that can be asked, what Redis says to it. @throws when Redis is away */
  async #missingOf(shard: ShardKeys): Promise<string | undefined> {
    const { redis, node, use } = this.#settings;
    try {
      return await missingAccess(redis, shard, node, use);
    } catch (error) {
      const cause = error instanceof ToolgateError ? error.cause : undefined;
      if (error instanceof ToolgateError && cause instanceof Error && readDenial(cause.message)) return error.message;
      throw error;
    }
  }

  #report(shard: ShardKeys, missing: string | undefined): void {
    const { log, onChange } = this.#settings;
    if (this.#missing.get(shard) === missing) return;
    const before = this.granted;
    if (missing === undefined) {
      this.#missing.delete(shard);
      log.info({ event: "redis_access_granted", shard: shard.shard });
    } else {
      this.#missing.set(shard, missing);
      log.warn({ event: "redis_access_denied", shard: shard.shard, message: missing });
    }
    if (before !== this.granted) onChange();
  }
}
