import type { ShardKeys } from "../../redis/keys.js";
import { readLua } from "../../redis/lua-file.js";
import { asText, evenWhenFull } from "../../redis/script.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { GONE, GONE_MARK_LUA } from "./gone-mark.js";
import { type RegistryStore, runShardScript } from "./registry-store.js";

/**
 * Lua: the highest epoch that a new one of a name must be above. No epoch is ever given twice, wherever Redis's clock goes: what was
 * given to the name is kept for as long as its toolset is there and a while longer; after that it is at most the shard's floor
 * (`@floor`), above which every new epoch is, of whatever name.
 *
 * `found` are epochs of the name that are known otherwise.
 */
export const LAST_EPOCH_LUA = readLua(import.meta.url, "last-epoch.lua");

/**
 * How long the epochs of a toolset that is gone are remembered by its name, in milliseconds: a provider that was cut off for less
 * hears that its epoch is gone, one that comes back later registers anew.
 */
const REMEMBERED_MS = 24 * 3_600_000;
/** About how many fields one execution looks at. */
const COUNT = 200;

// A name whose toolset is not there is marked (see gone-mark.ts); one that was marked for long goes, into the floor.
const TRIM = evenWhenFull(
  defineRegistryScript(
    "TRIM_EPOCHS",
    `${GONE_MARK_LUA}
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes, [5] epochs
-- ARGV    [1] how old a pong may be, in milliseconds; [2] where to begin, [3] about how many fields, [4] how long a toolset that is
--         gone is remembered
-- Returns where to go on; 0 at the end
local epochs, remembered_ms = KEYS[5], tonumber(ARGV[4])
local page = redis.call('HSCAN', epochs, ARGV[2], 'COUNT', ARGV[3])
local goes, floor = {}, 0
for i = 1, #page[2], 2 do
  local field, value = page[2][i], page[2][i + 1]
  local name, more = string.match(field, '^([^@]+)(.*)$')
  local there = name and redis.call('HEXISTS', toolsets, name) == 1
  if there and more == '${GONE}' then
    goes[#goes + 1] = field
  elseif name and not there and more ~= '' then
    -- Goes with its name, or has lost it.
    if redis.call('HEXISTS', epochs, name) == 0 then goes[#goes + 1] = field end
  elseif name and not there then
    local mark = parse_gone(redis.call('HGET', epochs, name .. '${GONE}'))
    if not mark or mark.last ~= value or mark.since > now then
      redis.call('HSET', epochs, name .. '${GONE}', format_gone({ since = now, last = value }))
    elseif now - mark.since >= remembered_ms then
      floor = math.max(floor, tonumber(value) or 0)
      for _, suffix in ipairs({ '', '@first', '${GONE}' }) do goes[#goes + 1] = name .. suffix end
    end
  end
end
if floor > (tonumber(redis.call('HGET', epochs, '@floor') or nil) or 0) then redis.call('HSET', epochs, '@floor', floor) end
for first = 1, #goes, 1000 do redis.call('HDEL', epochs, unpack(goes, first, math.min(first + 999, #goes))) end
return page[1]
`,
  ),
);

/** Where a pass over a shard's epochs begins, and ends. */
export const TRIM_START = "0";

/**
 * Forgets epochs of toolsets that have been gone for long, some of a shard's at a time. Any node may run it at any time.
 *
 * @param from where to begin; `TRIM_START`, or what the last execution returned.
 * @returns where to go on; `TRIM_START` when the pass is over.
 */
export async function trimEpochs(
  store: RegistryStore,
  keys: ShardKeys,
  from: string,
  rememberedMs = REMEMBERED_MS,
): Promise<string> {
  return asText(await runShardScript(store, keys, TRIM, [from, COUNT, rememberedMs], [keys.epochs]));
}
