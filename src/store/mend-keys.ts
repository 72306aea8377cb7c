import type { ShardKeys } from "../redis/keys.js";
import type { RedisClient } from "../redis/redis-client.js";
import { defineScript, evenWhenFull, runScript } from "../redis/script.js";
import { MEND_LUA } from "./mend-lua.js";

const MEND = evenWhenFull(
  defineScript(
    "MEND",
    `
-- KEYS    [1] prefix
-- ARGV    none
-- Returns 0
local prefix = KEYS[1]
`,
    MEND_LUA,
    "mend_shard()",
    "return 0",
  ),
);

/**
 * Sets aside what is of another type than a shard's keys are for. The settler and the registry's scripts do so too, again and again; a
 * node that starts does it before it reads the catalogue.
 *
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function mendKeys(redis: RedisClient, shards: readonly ShardKeys[]): Promise<void> {
  for (const { prefix } of shards) await runScript(redis, MEND, [prefix], []);
}
