import type { RedisAddress } from "../config/redis-url.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Keyspace } from "../redis/keys.js";
import type { RedisClient } from "../redis/redis-client.js";
import { asNumber, defineScript, runScript } from "../redis/script.js";

/** Enough to spread over the masters of a cluster of common size, and few enough to cost nothing while idle. */
const SHARDS_ON_CLUSTER = 16;

/** How many shards a registry has: as configured, or by what Redis is made of. One server gains nothing by more than one. */
export function shardCount(configured: number, { kind }: RedisAddress): number {
  if (configured > 0) return configured;
  return kind === "cluster" ? SHARDS_ON_CLUSTER : 1;
}

const AGREE_ON_SHARDS = defineScript(
  "AGREE_ON_SHARDS",
  `
-- KEYS    [1] where the number is kept
-- ARGV    [1] this node's number
-- Returns the registry's number
redis.call('SET', KEYS[1], ARGV[1], 'NX')
return tonumber(redis.call('GET', KEYS[1]))
`,
);

/**
 * Makes sure that all nodes of a registry spread it over the same number of shards: otherwise they would look for the same
 * toolset in different places. The first node decides.
 *
 * @throws ToolgateError INVALID_CONFIG when the registry has another number, STORE_UNAVAILABLE
 */
export async function agreeOnShards(redis: RedisClient, keyspace: Keyspace): Promise<void> {
  const own = keyspace.shards.length;
  const agreed = asNumber(await runScript(redis, AGREE_ON_SHARDS, [keyspace.shardCountKey], [own]));
  if (agreed === own) return;
  throw new ToolgateError(
    "INVALID_CONFIG",
    `the registry "${keyspace.registry}" has ${agreed} shards in this Redis, and this node would use ${own}; set TOOLGATE_SHARDS=${agreed}, or use another TOOLGATE_REGISTRY`,
  );
}
