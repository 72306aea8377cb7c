import { MAX_LOCK_TTL_MS } from "../config/config.js";
import type { RedisClient } from "../redis/redis-client.js";
import { defineScript, evenWhenFull, runScript } from "../redis/script.js";
import { MEND_LUA } from "./mend-lua.js";

const MEND_LOCK = evenWhenFull(
  defineScript(
    "MEND_LOCK",
    "local prefix, lock = string.match(KEYS[1], '^(.*:)([^:]+)$')",
    MEND_LUA,
    `
-- KEYS    [1] the lock
-- ARGV    [1] the longest time that one holds, in milliseconds
-- Returns nothing
local expires, time = redis.call('PEXPIRETIME', KEYS[1]), redis.call('TIME')
if expires == -2 then return end
if expires == -1 or expires > time[1] * 1000 + ARGV[1] + 1000 then put_aside(lock, 'does not expire in time') end
`,
  ),
);

/**
 * Sets aside what stands in the place of the pinger's lock and does not expire as a lock does: it is none of a node's, and no node would
 * be elected as long as it is there.
 *
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function mendLock(redis: RedisClient, key: string): Promise<void> {
  await runScript(redis, MEND_LOCK, [key], [MAX_LOCK_TTL_MS]);
}
