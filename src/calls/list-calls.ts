import type { CallId } from "../identity/call-id.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import { runConfirmed } from "../redis/commits.js";
import type { ShardKeys } from "../redis/keys.js";
import { asArray, asNumber, asText, defineScript, evenWhenFull, type Reply } from "../redis/script.js";
import { type CallHead, parseHead } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { RECORD_LUA } from "./record-lua.js";

/** A call that has not ended. Times are Unix milliseconds by Redis's clock. */
export interface ListedCall {
  readonly id: CallId;
  readonly head: CallHead;
  readonly state: "queued" | "claimed";
  readonly attempt: number;
  readonly cancelRequested: boolean;
  /** When it was put into the waiting line that it came from last. */
  readonly queuedAtMs: number;
  /** Of a claimed call. */
  readonly claim: { readonly endsMs: number; readonly provider: string; readonly node: string } | undefined;
}

/** Which calls; what is undefined fits all. */
export interface CallFilter {
  readonly toolset: ToolsetName | undefined;
  readonly tool: ToolName | undefined;
  readonly state: ListedCall["state"] | undefined;
}

/** How far the calls of a shard were looked at. */
export interface ShardPosition {
  /** Redis's own, of ZSCAN. */
  readonly cursor: string;
  /** Where all calls of the shard were looked at at once and not all were given: the last that was. */
  readonly after: string;
}

export const SHARD_START: ShardPosition = { cursor: "0", after: "" };

/** Some calls of one shard. */
export interface ShardCalls {
  readonly calls: readonly ListedCall[];
  /** Where to go on; undefined when all were looked at. */
  readonly next: ShardPosition | undefined;
  readonly timeMs: number;
}

/** The most calls that one execution looks at, and about that many are: Redis returns whole buckets of its table. */
export const MAX_LOOKED_CALLS = 250;
/** What is read of a record: that of a call which lives is shorter, but for the nodes that want to hear of it, which come last. */
const RECORD_BYTES = 2_048;

// ARGV[1] cursor, [2] after, [3] how many to look at, [4] how many to give, [5] toolset, [6] tool, [7] state; the last three
// may be empty. ZSCAN finds each member that is there throughout; by score, one that moves meanwhile would be missed.
// It changes nothing: a record that is damaged, lost or has ended is left to SETTLE, and is not listed.
const LIST = evenWhenFull(
  defineScript(
    "LIST",
    `
local prefix, due = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
${RECORD_LUA}
local cursor, after, most = ARGV[1], ARGV[2], tonumber(ARGV[4])
local scanned = redis.pcall('ZSCAN', due, cursor, 'COUNT', ARGV[3])
if scanned.err then return { now, '0', '', {} } end
local ids = {}
for place = 1, #scanned[2], 2 do ids[#ids + 1] = scanned[2][place] end
-- Only all of the calls have an order that is the same the next time.
local all = cursor == '0' and scanned[1] == '0'
if all then table.sort(ids) end
local found, last = {}, ''
for _, id in ipairs(ids) do
  if not all or id > after then
    if all and #found == most then return { now, '0', last, found } end
    local record = redis.pcall('GETRANGE', prefix .. 'call:' .. id, 0, ${RECORD_BYTES - 1})
    if type(record) == 'string' then
      local head, from = string.match(record, '^%S+ ([^\\n]*)\\n()')
      local fixed = head and read_head(head)
      if fixed then
        local state, attempt, entry, _, cancel, _, claim, _, owner, node = string.match(record, LIFE, from)
        local fits = (state == 'queued' or state == 'claimed') and (ARGV[7] == '' or state == ARGV[7])
          and (ARGV[5] == '' or fixed.__index.toolset == ARGV[5]) and (ARGV[6] == '' or fixed.__index.tool == ARGV[6])
        if fits then found[#found + 1] = { id, head, state, attempt, cancel == '-' and 0 or 1, entry, claim, owner, node } end
      end
    end
    last = id
  end
end
return { now, scanned[1], '', found }
`,
  ),
);

/**
 * Looks at some calls of one shard that have not ended. A call that is there from the first look to the last is found; one may
 * be found twice.
 *
 * @param most how many to give: exactly kept where the shard has few calls, else exceeded by some.
 */
export async function lookAtCalls(
  store: CallStore,
  keys: ShardKeys,
  { toolset, tool, state }: CallFilter,
  { cursor, after }: ShardPosition,
  most: number,
): Promise<ShardCalls> {
  const looked = Math.min(most, MAX_LOOKED_CALLS);
  const args = [cursor, after, looked, most, toolset ?? "", tool ?? "", state ?? ""];
  const reply = await runConfirmed(store, keys, LIST, [keys.prefix, keys.due], args);
  const [timeMs, nextCursor, last, found] = asArray(reply);
  const next = { cursor: asText(nextCursor), after: asText(last) };
  return {
    calls: asArray(found).map(toListedCall),
    next: next.cursor === "0" && next.after === "" ? undefined : next,
    timeMs: asNumber(timeMs),
  };
}

/** The calls' scripts wrote the record, and LIST has matched it; the casts only give the parts their names. */
function toListedCall(reply: Reply): ListedCall {
  const [id, head, state, attempt, cancel, entry, claim, owner, node] = asArray(reply);
  const [queuedAt = ""] = asText(entry).split("-");
  const claimed = asText(state) === "claimed";
  return {
    id: asText(id) as CallId,
    head: parseHead(asText(head)),
    state: claimed ? "claimed" : "queued",
    attempt: asNumber(attempt),
    cancelRequested: asNumber(cancel) === 1,
    queuedAtMs: Number(queuedAt),
    claim: claimed
      ? { endsMs: asNumber(claim), provider: asText(owner).replace(/\/.*$/, ""), node: asText(node) }
      : undefined,
  };
}
