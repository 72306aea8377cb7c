import { every, type Repeating } from "../async/every.js";
import type { Logger } from "../observe/logger.js";
import type { ShardKeys } from "./keys.js";
import type { RedisClient } from "./redis-client.js";
import { asArray, asNumber, defineScript, runScript } from "./script.js";
import { ShardRunner } from "./shard-runner.js";

/** How often Redis is asked how full it is, in milliseconds. */
const INTERVAL_MS = 250;
/** Above this share of its memory limit, what is left is for the calls that are there: their claims, results and ends. */
const ADMIT_UP_TO = 0.9;

const MEMORY = defineScript(
  "MEMORY",
  `
-- KEYS    [1] any key of the shard, so that its own server answers
-- ARGV    none
-- Returns the bytes that count against the limit, and the limit; 0 is none
local info = redis.pcall('INFO', 'memory')
-- A user that may not ask admits until Redis itself refuses; check-redis.ts says so.
if type(info) ~= 'string' then return { 0, 0 } end
local function number(name) return tonumber(string.match(info, name .. ':(%d+)') or '0') end
return { number('used_memory') - number('mem_not_counted_for_evict'), number('maxmemory') }
`,
);

export interface MemoryWatchSettings {
  readonly redis: RedisClient;
  readonly shards: readonly ShardKeys[];
  readonly log: Logger;
}

/**
 * Knows whether there is room for more calls in a shard's Redis. A Redis that refuses writes refuses them to all alike; so
 * nodes stop admitting early, and the calls that were admitted still end as they should.
 */
export class MemoryWatch {
  readonly #settings: MemoryWatchSettings;
  readonly #full = new Set<ShardKeys>();
  readonly #loop: Repeating;
  readonly #runner: ShardRunner;

  constructor(settings: MemoryWatchSettings) {
    this.#settings = settings;
    // A shard's master is away, and so admits nothing anyway; what was known of it before stays.
    this.#runner = new ShardRunner(settings.shards, () => {});
    this.#loop = every(
      () => INTERVAL_MS,
      async () => void this.#runner.runOnAll((shard) => this.#check(shard)),
      () => {},
    );
  }

  /** @throws ToolgateError STORE_UNAVAILABLE */
  async start(): Promise<void> {
    await Promise.all(this.#settings.shards.map((shard) => this.#check(shard)));
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#runner.idle();
  }

  /** No more calls are to be admitted there. */
  full(shard: ShardKeys): boolean {
    return this.#full.has(shard);
  }

  async #check(shard: ShardKeys): Promise<void> {
    const { redis, log } = this.#settings;
    const [used = 0, limit = 0] = asArray(await runScript(redis, MEMORY, [shard.prefix], [])).map(asNumber);
    const full = limit > 0 && used > ADMIT_UP_TO * limit;
    if (full === this.#full.has(shard)) return;
    if (full) this.#full.add(shard);
    else this.#full.delete(shard);
    log.warn({
      event: full ? "redis_full" : "redis_has_room",
      shard: shard.shard,
      usedBytes: used,
      limitBytes: limit,
    });
  }
}
