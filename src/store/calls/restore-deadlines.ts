import type { Epoch, ToolsetName } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asNumber, asText, evenWhenFull, runScript } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";
import { LINE_SEARCH_LUA } from "./line-search.js";
import { STRAYS } from "./strays.js";

/** The most requests streams that one execution is given. */
const BATCH = 100;

// Every unfinished call stands in one of the streams. Not more than some hundred calls are looked at.
const RESTORE = evenWhenFull(
  defineCallScript(
    "RESTORE",
    LINE_SEARCH_LUA,
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    for each requests stream: toolset, epoch, where to begin
-- Returns the stream, counted from 1, and the place in it where to go on; or 0
go_on_searching()
local looked, noted = 0, on_due('ZSCORE', '${STRAYS}')
local function answer(line, from)
  -- What is found lost here is seen to here.
  if not noted then on_due('ZREM', '${STRAYS}') end
  return { line, from }
end
for i = 1, #ARGV, 3 do
  local requests, from = prefix .. 'requests:' .. ARGV[i] .. ':' .. ARGV[i + 1], ARGV[i + 2]
  repeat
    if looked > 500 then return answer((i + 2) / 3, from) end
    local entries = redis.pcall('XRANGE', requests, from, '+', 'COUNT', 20)
    if is_wrong_type(entries) then entries = {} end
    for _, entry in ipairs(entries) do
      local call = load_call(entry[2][2])
      if not call or call.terminal or call.entry ~= entry[1] then
        leave(requests, entry[1])
      elseif not on_due('ZSCORE', call.id) then
        look_at(call, call.look)
      end
      from = '(' .. entry[1]
    end
    looked = looked + #entries
  until #entries == 0
end
return answer(0, '-')
`,
  ),
);

const END_SEARCH = evenWhenFull(
  defineCallScript(
    "END_SEARCH",
    LINE_SEARCH_LUA,
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    none
-- Returns 0
end_search()
return 0
`,
  ),
);

/**
 * Finds the deadlines of all calls of these epochs again, in their records, and lets go of entries that have none. Any node may do it at
 * any time, more than once; settleCalls says to one node when it is to be done.
 */
export async function restoreDeadlines(
  store: CallStore,
  keys: ShardKeys,
  epochs: readonly { readonly toolset: ToolsetName; readonly epoch: Epoch }[],
): Promise<void> {
  let from = "-";
  for (let first = 0; first < epochs.length; ) {
    const batch = epochs.slice(first, first + BATCH);
    const args = batch.flatMap(({ toolset, epoch }, index) => [toolset, epoch, index === 0 ? from : "-"]);
    const reply = asArray(await runScript(store.redis, RESTORE, [keys.prefix, keys.due, keys.search], args));
    const stopped = asNumber(reply[0]);
    first += stopped === 0 ? batch.length : stopped - 1;
    from = asText(reply[1]);
  }
  await runScript(store.redis, END_SEARCH, [keys.prefix, keys.due, keys.search], []);
}
