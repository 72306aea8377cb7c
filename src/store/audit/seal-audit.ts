import type { NodeId } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asNumber, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import { MEND_LUA } from "../mend-lua.js";
import { DAY_MS, SEAL_FIELD } from "./audit-stream.js";

const SEAL_TURN = evenWhenFull(
  defineScript(
    "SEAL_TURN",
    `
-- KEYS    [1] audit-turn
-- ARGV    [1] this node, [2] for how long it is its turn, in milliseconds; 0 to give it up
-- Returns whether it is its turn
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`,
  ),
);

/**
 * Whether it is this node's turn to seal a shard's audit. It keeps its turn by asking again in time.
 *
 * @param forMs how long the turn lasts, in milliseconds; 0 gives it up.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function takeSealTurn(redis: RedisClient, keys: ShardKeys, node: NodeId, forMs: number): Promise<boolean> {
  return asNumber(await runScript(redis, SEAL_TURN, [keys.auditTurn], [node, forMs])) === 1;
}

// Nothing else decides who seals: the seal before, and how far the day was sealed, must be what the node has seen.
const SEAL_AUDIT = evenWhenFull(
  defineScript(
    "SEAL_AUDIT",
    "local prefix = KEYS[1]",
    MEND_LUA,
    `
-- KEYS    [1] prefix
-- ARGV    [1] day, [2] the seal before: its number and hash, or ''; [3] the last entry that is sealed, [4] the seal, [5] its number and
--         hash, [6] the last entry that it seals
-- Returns whether it was written
local key, state = prefix .. 'audit:' .. ARGV[1], prefix .. 'audit'
set_aside_unless('hash', 'audit')
set_aside_unless('stream', 'audit:' .. ARGV[1])
local head, sealed = redis.call('HGET', state, 'head'), redis.call('HGET', state, ARGV[1])
if (head or '') ~= ARGV[2] or (sealed or '0-0') ~= ARGV[3] or redis.call('EXISTS', key) == 0 then return 0 end
redis.call('XADD', key, '*', '${SEAL_FIELD}', ARGV[4])
redis.call('HSET', state, 'head', ARGV[5], ARGV[1], ARGV[6])
return 1
`,
  ),
);

/** A seal, ready to be written. */
export interface NewSeal {
  readonly day: number;
  /** The number and the hash of the seal before; number 0 for none. */
  readonly before: SealHead;
  /** The entry behind which it begins, and the last one that it covers. */
  readonly after: string;
  readonly last: string;
  readonly own: SealHead;
  readonly text: string;
}

/** Which seal one is. */
export interface SealHead {
  readonly number: number;
  readonly hash: string;
}

/**
 * Writes a seal, where no other node has sealed since.
 *
 * @returns whether it was written.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function writeSeal(redis: RedisClient, keys: ShardKeys, seal: NewSeal): Promise<boolean> {
  const head = ({ number, hash }: SealHead): string => (number === 0 ? "" : `1 ${number} ${hash}`);
  const args = [seal.day, head(seal.before), seal.after, seal.text, head(seal.own), seal.last];
  return asNumber(await runScript(redis, SEAL_AUDIT, [keys.prefix], args)) === 1;
}

const TEND_AUDIT = evenWhenFull(
  defineScript(
    "TEND_AUDIT",
    "local prefix = KEYS[1]",
    MEND_LUA,
    `
-- KEYS    [1] prefix
-- ARGV    [1] how long a day is kept after its end, in milliseconds, [2] how many bytes all days may take
-- Returns how many entries were dropped to make room
set_aside_unless('hash', 'audit')
local state, days, cursor = prefix .. 'audit', {}, '0'
repeat
  local page = redis.call('HSCAN', state, cursor, 'COUNT', 1000)
  cursor = page[1]
  for i = 1, #page[2], 2 do
    if string.find(page[2][i], '^%d+$') then days[#days + 1] = tonumber(page[2][i]) end
  end
until cursor == '0'
table.sort(days)
local sizes, total, left = {}, 0, {}
for _, day in ipairs(days) do
  local key = prefix .. 'audit:' .. day
  if redis.call('TYPE', key).ok ~= 'stream' then
    redis.call('HDEL', state, day)
  else
    redis.call('PEXPIREAT', key, string.format('%.0f', (day + 1) * ${DAY_MS} + tonumber(ARGV[1])))
    sizes[day] = tonumber(redis.pcall('MEMORY', 'USAGE', key)) or 0
    total = total + sizes[day]
    left[#left + 1] = day
  end
end
local dropped, most = 0, tonumber(ARGV[2])
-- The oldest first; a tenth at a time, since it takes its time.
for place, day in ipairs(left) do
  if total <= most then break end
  local key = prefix .. 'audit:' .. day
  local length = redis.call('XLEN', key)
  local kept = place < #left and total - sizes[day] >= most and 0 or math.max(1, math.floor(length * 0.9))
  local before = redis.call('XLEN', key)
  if kept == 0 then
    redis.call('DEL', key)
    redis.call('HDEL', state, day)
    dropped = dropped + before
    total = total - sizes[day]
  else
    dropped = dropped + redis.call('XTRIM', key, 'MAXLEN', kept)
    local first = redis.call('XRANGE', key, '-', '+', 'COUNT', 1)[1]
    if first then redis.call('HSET', state, 'begin', first[1]) end
    break
  end
  local next_day = left[place + 1]
  local first = redis.call('XRANGE', prefix .. 'audit:' .. next_day, '-', '+', 'COUNT', 1)[1]
  if first then redis.call('HSET', state, 'begin', first[1]) end
end
return dropped
`,
  ),
);

/**
 * Lets go of what a shard's audit need not keep, and of the oldest where it takes too much room: a tenth of the oldest day in one
 * execution.
 *
 * @param retentionMs how long a day is kept after its end, in milliseconds.
 * @returns how many entries were dropped to make room.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function tendAudit(
  redis: RedisClient,
  keys: ShardKeys,
  retentionMs: number,
  maxBytes: number,
): Promise<number> {
  return asNumber(await runScript(redis, TEND_AUDIT, [keys.prefix], [retentionMs, maxBytes]));
}
