import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";

const AUDIT_KEY = evenWhenFull(
  defineScript(
    "AUDIT_KEY",
    `
-- KEYS    [1] audit-key
-- ARGV    [1] a new key
-- Returns the registry's key, which is the new one where there was none, or none that can be read
local known = redis.pcall('GET', KEYS[1])
if type(known) == 'string' and string.find(known, '^1 %x+$') and #known == #ARGV[1] then return known end
redis.call('SET', KEYS[1], ARGV[1])
return ARGV[1]
`,
  ),
);

const KEY_BYTES = 32;

/**
 * The registry's own key, for the audit's digests where no key ring is configured, and for page tokens: random, made once, and kept in Redis. What reads Redis can read
 * it, so it keeps digests from being guessed by those that see the audit alone.
 *
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function registryAuditKey(
  redis: RedisClient,
  keyspace: Keyspace,
  randomBytes: (size: number) => Buffer,
): Promise<Buffer> {
  const fresh = `1 ${randomBytes(KEY_BYTES).toString("hex")}`;
  const said = asText(await runScript(redis, AUDIT_KEY, [keyspace.auditKey], [fresh]));
  return Buffer.from(said.slice(2), "hex");
}
