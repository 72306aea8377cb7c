import type { Delivery } from "../../contract/contract.js";
import type { CallId } from "../../identity/call-id.js";
import type { Epoch, ToolsetName } from "../../identity/names.js";
import { asArray, asBuffer, asNumber, asText, evenWhenFull, runScript } from "../../redis/script.js";
import type { Destination } from "./admission.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";

/** A call that waits in an epoch that has no providers any more. */
export interface OrphanedCall {
  readonly id: CallId;
  readonly tool: string;
  readonly payload: Buffer;
  readonly delivery: Delivery;
}

/** The most calls that one execution looks at. */
const BATCH = 100;

const ORPHANED = evenWhenFull(
  defineCallScript(
    "ORPHANED",
    `
-- KEYS    [1] prefix, [2] due, [3] requests
-- ARGV    [1] where to begin, [2] how many entries
-- Returns where to go on, or ''; ids of unclaimed calls
local calls = {}
local entries = redis.pcall('XRANGE', KEYS[3], ARGV[1], '+', 'COUNT', ARGV[2])
if is_wrong_type(entries) then entries = {} end
for _, entry in ipairs(entries) do
  local call = load_call(entry[2][2])
  if not call or call.terminal or call.entry ~= entry[1] then
    leave(KEYS[3], entry[1])
  elseif call.state == 'queued' then
    calls[#calls + 1] = { call.id, entry[2][4], entry[2][6], call.delivery }
  end
end
return { #entries > 0 and '(' .. entries[#entries][1] or '', calls }
`,
  ),
);

const REASSIGN = evenWhenFull(
  defineCallScript(
    "REASSIGN",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] the epoch that they leave; then for each call: id, the epoch that takes it or 0, its contract's digest
-- Returns how many were moved
local moved = 0
for i = 2, #ARGV, 3 do
  local call = load_call(ARGV[i])
  if call and not call.terminal and call.state == 'queued' and call.epoch == ARGV[1] then
    local entry = entry_of(call)
    -- Its caller accepts no other contract than the one that it named.
    local pinned = call.pinned == '1' and call.contract ~= ARGV[i + 2]
    if ARGV[i + 1] == '0' or pinned or not entry then
      finish_unclaimed(call, call.attempt == 0 and 'EPOCH_GONE' or 'PROVIDER_LOST')
    else
      -- Whatever the other epoch's backlog is: the call was admitted, and only new ones are refused for it.
      stream_length('requests:' .. call.toolset .. ':' .. ARGV[i + 1]) -- what is none cannot be added to
      leave(call.requests, call.entry)
      withdraw(call)
      if call.guest then count_guest(call, -1) end
      call.owner, call.former = '-', '' -- the other epoch has providers of its own
      setmetatable(call, read_head(moved_head(call, ARGV[i + 1], ARGV[i + 2])))
      enqueue(call, entry[2][4], entry[2][6], entry[2][8])
      save_call(call)
      moved = moved + 1
    end
  end
end
return moved
`,
  ),
);

/**
 * Gives the calls that wait in an abandoned epoch to another one, or ends them as `not_executed`.
 *
 * @param destinationOf the epoch that takes a call: one whose contract accepts its payload; nothing when there is none.
 * @returns how many calls were moved, and how many ended.
 */
export async function reassignCalls(
  store: CallStore,
  toolset: ToolsetName,
  epoch: Epoch,
  destinationOf: (call: OrphanedCall) => Promise<Destination | undefined>,
): Promise<{ readonly moved: number; readonly ended: number }> {
  const keys = store.keyspace.forToolset(toolset);
  let moved = 0;
  let seen = 0;
  for (let from = "-"; ; ) {
    const [next, orphaned] = asArray(
      await runScript(store.redis, ORPHANED, [keys.prefix, keys.due, keys.requests(toolset, epoch)], [from, BATCH]),
    );
    from = asText(next);
    if (from === "") return { moved, ended: seen - moved };
    const reply = asArray(orphaned);
    const args: (string | number)[] = [epoch];
    for (const item of reply) {
      const [id, tool, payload, delivery] = asArray(item);
      const call = {
        id: asText(id) as CallId, // admitted under this id
        tool: asText(tool),
        payload: asBuffer(payload),
        delivery: asText(delivery) as Delivery, // as it was admitted
      };
      const destination = await destinationOf(call);
      args.push(call.id, destination?.epoch ?? 0, destination?.digest ?? "");
    }
    seen += reply.length;
    moved += asNumber(await runScript(store.redis, REASSIGN, [keys.prefix, keys.due], args));
  }
}
