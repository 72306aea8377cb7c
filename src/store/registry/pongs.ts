import type { Epoch, Incarnation, ProviderId, ToolsetName } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, evenWhenFull } from "../../redis/script.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { type RegistryStore, runShardScript } from "./registry-store.js";

/** One provider's answer to a ping. */
export interface Pong {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  /** It came outside of the provider's session: the node of the session, if there is one, is to hear of it. */
  readonly outside?: boolean;
}

/**
 * `recorded`: it counts. `awaited`: the same, and its epoch has unfinished calls, of which some may wait. `refused`: its epoch is not
 * a live one, or its provider holds no lease.
 */
export type PongAnswer = "recorded" | "awaited" | "refused";

// One that brings a provider into routing notifies of the calls that may wait, where there are any unfinished ones; so does one from
// outside, in any case.
const PONG = evenWhenFull(
  defineRegistryScript(
    "PONG",
    `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; then for each pong: name, epoch, provider, incarnation, whether it came outside
--         of a session
-- Returns for each pong 'recorded', 'awaited' or 'refused'
local answers, unfinished = {}, {}
-- Calls that are admitted later find the provider, or notify of themselves.
local function has_unfinished(name, epoch)
  local requests = prefix .. 'requests:' .. name .. ':' .. epoch
  if unfinished[requests] == nil then
    local count = redis.pcall('XLEN', requests)
    unfinished[requests] = type(count) ~= 'number' or count > 0
  end
  return unfinished[requests]
end
for i = 2, #ARGV, 5 do
  local name, epoch, outside = ARGV[i], ARGV[i + 1], ARGV[i + 4] == '1'
  local h = read_health(name, epoch)
  -- What is no set of leases says of no lease: renewing one mends that.
  local lease_end = redis.pcall('ZSCORE', prefix .. 'leases:' .. name .. ':' .. epoch, ARGV[i + 2] .. '/' .. ARGV[i + 3])
  if is_wrong_type(lease_end) then lease_end = nil end
  if h and lease_end and is_held(tonumber(lease_end)) then
    h.pong = now
    set_aside_unless('hash', 'providers:' .. name .. ':' .. epoch)
    local p, works_again = read_provider(name, epoch, ARGV[i + 2]), false
    if p and p.incarnation == ARGV[i + 3] and (p.stage == '2' or p.stage == '3') then
      local former = counts_for(p)
      p.stage = '0'
      put_provider(tally_of(name, epoch, h), ARGV[i + 2], former, p, lease_end)
      refresh_epoch(name, epoch, h)
      works_again = true
    else
      publish_health(name, epoch, h)
    end
    if outside or (works_again and has_unfinished(name, epoch)) then
      works[#works + 1] = { prefix .. 'work:' .. name .. ':' .. epoch, outside and ARGV[i + 2] .. '/' .. ARGV[i + 3] or '' }
    end
    if h.state == 'candidate' then promote_if_ready(name) end
    answers[#answers + 1] = has_unfinished(name, epoch) and 'awaited' or 'recorded'
  else
    answers[#answers + 1] = 'refused'
  end
end
return answers
`,
  ),
);

/** Records pongs of one shard, in one execution: a pong counts only for a live epoch and from the holder of a lease. */
export async function recordPongs(
  store: RegistryStore,
  keys: ShardKeys,
  pongs: readonly Pong[],
): Promise<PongAnswer[]> {
  if (pongs.length === 0) return [];
  const args = pongs.flatMap(({ toolset, epoch, provider, incarnation, outside = false }) => [
    ...[toolset, epoch, provider, incarnation],
    outside ? 1 : 0,
  ]);
  const reply = await runShardScript(store, keys, PONG, args);
  return asArray(reply).map((answer) => asText(answer) as PongAnswer); // the script gives no other
}
