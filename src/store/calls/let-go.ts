import type { Epoch, ToolsetName } from "../../identity/names.js";
import type { Keyspace } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import { RECORD_LUA } from "./record-lua.js";

/** The most calls that one execution lets go of, and about the most bytes of payloads that it passes over. */
const MAX_LET_GO = { calls: 256, bytes: 4_194_304 };

const LET_GO = evenWhenFull(
  defineScript(
    "LET_GO",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] toolset, [2] epoch, [3] owner, [4] where to begin
-- Returns where to go on, or ''
local prefix, due, time = KEYS[1], KEYS[2], redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`,
    RECORD_LUA,
    `
local requests, member = prefix .. 'requests:' .. ARGV[1] .. ':' .. ARGV[2], ARGV[3]
local lease = redis.pcall('ZSCORE', prefix .. 'leases:' .. ARGV[1] .. ':' .. ARGV[2], member)
if not is_wrong_type(lease) and lease then return '' end -- it came back
-- The stream or its group may be gone with a loss of state: then nothing is known of what it holds.
local held = redis.pcall('XPENDING', requests, 'providers', ARGV[4], '+', ${MAX_LET_GO.calls}, member)
if held.err then return '' end
local bytes = 0
for _, pending in ipairs(held) do
  local entry = redis.call('XRANGE', requests, pending[1], pending[1])[1]
  local id = entry and entry[2][2]
  local call = id and load_call(id)
  if call and call.owner == member then
    call.claim, call.look = 0, now -- given up: see claim_end
    save_call(call)
    on_due('ZADD', text[now], id)
  end
  bytes = bytes + (entry and #entry[2][6] or 0)
  if bytes > ${MAX_LET_GO.bytes} then return '(' .. pending[1] end
end
return #held == ${MAX_LET_GO.calls} and '(' .. held[#held][1] or ''
`,
  ),
);

/**
 * Makes what a provider that has released its lease still holds due at once. Where this does not come to its end, the claims do.
 *
 * @param owner the provider and its incarnation: `provider/incarnation`
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function letGo(
  { redis, keyspace }: { readonly redis: RedisClient; readonly keyspace: Keyspace },
  toolset: ToolsetName,
  epoch: Epoch,
  owner: string,
): Promise<void> {
  const { prefix, due } = keyspace.forToolset(toolset);
  for (let from = "-"; from !== ""; ) {
    from = asText(await runScript(redis, LET_GO, [prefix, due], [toolset, epoch, owner, from]));
  }
}
