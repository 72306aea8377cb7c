import type { Epoch, ToolsetName } from "../identity/names.js";
import type { ShardKeys } from "../redis/keys.js";
import { asArray, asNumber, asText, defineScript, evenWhenFull, runScript } from "../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";
import { STRAYS } from "./strays.js";

/**
 * A member of `due` that no call has, due never: while it is there, so are the deadlines of all calls. Redis may lose the key,
 * and the next call makes it anew; without this one nobody would look at the others at their time.
 */
export const DEADLINES_WHOLE = "-";

/** The most requests streams that one execution is given. */
const BATCH = 100;

// Per requests stream: toolset, epoch, where to begin. Every unfinished call stands in one. Answers with the stream, counted
// from 1, and the place in it where to go on, or 0: not more than some hundred calls are looked at.
const RESTORE = evenWhenFull(
  defineCallScript(
    "RESTORE",
    `
local looked = 0
for i = 1, #ARGV, 3 do
  local requests, from = prefix .. 'requests:' .. ARGV[i] .. ':' .. ARGV[i + 1], ARGV[i + 2]
  repeat
    if looked > 500 then return { (i + 2) / 3, from } end
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
return { 0, '-' }
`,
  ),
);

// KEYS[1] due. Before the lines are looked through: if that does not come to its end, it begins anew, and what is lost meanwhile is
// noted again.
const BEGIN = evenWhenFull(
  defineScript("BEGIN", `return redis.call('ZREM', KEYS[1], '${DEADLINES_WHOLE}', '${STRAYS}')`),
);
// KEYS[1] due.
const WHOLE = evenWhenFull(defineScript("WHOLE", `return redis.call('ZADD', KEYS[1], '+inf', '${DEADLINES_WHOLE}')`));

/** Finds the deadlines of all calls of these epochs again, in their records, and lets go of entries that have none. Anybody may do it at any time, more than once. */
export async function restoreDeadlines(
  store: CallStore,
  keys: ShardKeys,
  epochs: readonly { readonly toolset: ToolsetName; readonly epoch: Epoch }[],
): Promise<void> {
  await runScript(store.redis, BEGIN, [keys.due], []);
  let from = "-";
  for (let first = 0; first < epochs.length; ) {
    const batch = epochs.slice(first, first + BATCH);
    const args = batch.flatMap(({ toolset, epoch }, index) => [toolset, epoch, index === 0 ? from : "-"]);
    const reply = asArray(await runScript(store.redis, RESTORE, [keys.prefix, keys.due], args));
    const stopped = asNumber(reply[0]);
    first += stopped === 0 ? batch.length : stopped - 1;
    from = asText(reply[1]);
  }
  await runScript(store.redis, WHOLE, [keys.due], []);
}
