import type { ToolsetName } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, evenWhenFull } from "../../redis/script.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { type RegistryStore, runShardScript } from "./registry-store.js";
import { FORGET_LUA } from "./unregister.js";

/** How many toolsets one execution looks at, so that Redis is never held up. */
const BATCH = 100;
/** How many consumers it forgets; the next turn forgets more. */
const CONSUMERS = 1_000;

// Ended leases are forgotten, lost health is announced, a candidate whose active epoch died takes over, a retiring epoch without lease
// and calls goes, and so does a toolset without provider after its retention.
const SWEEP = evenWhenFull(
  defineRegistryScript(
    "SWEEP",
    FORGET_LUA,
    `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; [2] linger; then names
-- Returns the names of those that have ended leases still
local linger_ms = tonumber(ARGV[2])
local forgettable, unfinished = ${CONSUMERS}, {}

-- Each start of a provider is a consumer of its epoch's group, and Redis forgets none. One without a lease goes, when nothing that
-- it had claimed is left: that would be forgotten with it.
local function forget_consumers(name, epoch)
  local requests, leases = prefix .. 'requests:' .. name .. ':' .. epoch, prefix .. 'leases:' .. name .. ':' .. epoch
  local consumers = redis.pcall('XINFO', 'CONSUMERS', requests, 'providers')
  for _, consumer in ipairs(consumers.err and {} or consumers) do
    local owner, pending = consumer[2], consumer[4]
    if forgettable > 0 and pending == 0 and not redis.call('ZSCORE', leases, owner) then
      redis.call('XGROUP', 'DELCONSUMER', requests, 'providers', owner)
      forgettable = forgettable - 1
    end
  end
end

for i = 3, #ARGV do
  local name = ARGV[i]
  local record = load_record(name)
  if record then
    local left = false
    for _, entry in ipairs(record.epochs) do
      check_keys(name, entry.epoch)
      local h = read_health(name, entry.epoch)
      if h then left = refresh_epoch(name, entry.epoch, h) or left end
      forget_consumers(name, entry.epoch)
    end
    if left then unfinished[#unfinished + 1] = name end
    promote_if_ready(name)
    record = load_record(name)
    local kept, last_seen, retention, gone = {}, 0, 0, {}
    for _, entry in ipairs(record.epochs) do
      local h = read_health(name, entry.epoch)
      -- Its providers were told to go, and no call of it can still be running: a provider that ignores that holds it no longer.
      if entry.state == 'retiring' and now > entry.retireAtMs + linger_ms then
        forget_leases(name, entry.epoch)
      end
      local leased = redis.call('EXISTS', prefix .. 'leases:' .. name .. ':' .. entry.epoch) == 1
      local waiting = redis.call('XLEN', prefix .. 'requests:' .. name .. ':' .. entry.epoch) > 0
      -- A candidate without providers never took over; it goes as a retiring epoch does.
      local over = entry.state == 'retiring'
        or (entry.state == 'candidate' and lease_time() - math.max(entry.registeredAtMs, h and h.live or 0) > entry.retireAfterMs)
      if over and not leased and not waiting then
        gone[#gone + 1] = entry.epoch
      else
        kept[#kept + 1] = entry
        local seen = math.max(entry.registeredAtMs, h and h.pong or 0, h and h.live or 0)
        last_seen = math.max(last_seen, leased and now or seen)
        retention = math.max(retention, entry.retentionMs)
      end
    end
    if #kept == 0 or lease_time() - last_seen > retention then
      forget_toolset(record, linger_ms)
    elseif #gone > 0 then
      record.epochs = kept
      save_record(record)
      for _, epoch in ipairs(gone) do
        forget_epoch(name, epoch, linger_ms)
        announce('retired', name, epoch)
      end
    end
  end
end
return unfinished
`,
  ),
);

/**
 * Brings toolsets of one shard up to date with the time that has passed. Any node may run it at any time: it decides from
 * what Redis holds, and doing it twice changes nothing.
 *
 * @param lingerMs how long calls in flight may last.
 */
export async function sweepToolsets(
  store: RegistryStore,
  keys: ShardKeys,
  toolsets: readonly ToolsetName[],
  lingerMs: number,
): Promise<void> {
  for (let start = 0; start < toolsets.length; start += BATCH) {
    let names: readonly string[] = toolsets.slice(start, start + BATCH);
    while (names.length > 0) {
      const unfinished = await runShardScript(store, keys, SWEEP, [lingerMs, ...names]);
      names = asArray(unfinished).map(asText);
    }
  }
}
