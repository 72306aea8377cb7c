import type { CallId } from "../../identity/call-id.js";
import type { CallerName } from "../../identity/caller-name.js";
import type { ToolName, ToolsetName } from "../../identity/names.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asNumber, asText, defineScript, evenWhenFull, type Reply } from "../../redis/script.js";
import { type CallHead, type CallState, parseHead, parseState } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { RECORD_LUA } from "./record-lua.js";

/** A call that has not ended. Times are Unix milliseconds by Redis's clock. */
export interface ListedCall {
  readonly id: CallId;
  readonly head: CallHead;
  readonly state: Exclude<CallState, "ended">;
  readonly attempt: number;
  readonly cancelRequested: boolean;
  /** When it was put into the waiting line that it came from last. */
  readonly queuedAtMs: number;
  /** When a provider got it first; 0 where none has. */
  readonly claimedMs: number;
  /** Of a claimed call. */
  readonly claim: { readonly endsMs: number; readonly provider: string; readonly node: string } | undefined;
}

/** Which calls; what is undefined fits all. */
export interface CallFilter {
  readonly toolset: ToolsetName | undefined;
  readonly tool: ToolName | undefined;
  readonly caller: CallerName | undefined;
  readonly state: "queued" | "claimed" | undefined;
}

/** How far the calls of a shard were looked at. */
export interface ShardPosition {
  /** Redis's own, of ZSCAN: where to scan from. */
  readonly cursor: string;
  /** Where that scan ended, if only some of the calls that it found were given; else empty. */
  readonly until: string;
  /** The last of these that was given, in the order of their ids. */
  readonly after: string;
}

export const SHARD_START: ShardPosition = { cursor: "0", until: "", after: "" };

/** Some calls of one shard. */
export interface ShardCalls {
  readonly calls: readonly ListedCall[];
  /** Where to go on; undefined when all were looked at. */
  readonly next: ShardPosition | undefined;
  readonly timeMs: number;
}

/**
 * How many calls one execution looks at, about: Redis returns whole buckets of its table. Always as many, so that a scan from the
 * same cursor finds the same calls.
 */
const LOOKED_CALLS = 250;
/** What is read of a record: that of a call which lives is shorter, but for the nodes that want to hear of it, which come last. */
const RECORD_BYTES = 2_048;

// ZSCAN finds each member that is there throughout; by score, one that moves meanwhile would be missed. What it finds is given in
// the order of the ids, from behind \`after\` on where the same scan was given in part before; where Redis has resized its table
// since, the scan ends elsewhere, and all of it is given. It changes nothing: a record that is damaged, lost or has ended is left
// to SETTLE, and is not listed.
const LIST = evenWhenFull(
  defineScript(
    "LIST",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] cursor, [2] until, [3] after, [4] how many to give, [5] toolset, [6] tool, [7] state, [8] caller; the last four may be empty
-- Returns the time; the next position (cursor, until, after); the calls
local prefix, due = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
${RECORD_LUA}
local cursor, most = ARGV[1], tonumber(ARGV[4])
local scanned = redis.pcall('ZSCAN', due, cursor, 'COUNT', ${LOOKED_CALLS})
if scanned.err then return { now, '0', '', '', {} } end
local until_, after = scanned[1], scanned[1] == ARGV[2] and ARGV[3] or ''
local ids = {}
for place = 1, #scanned[2], 2 do ids[#ids + 1] = scanned[2][place] end
table.sort(ids)
local found, last = {}, ''
for _, id in ipairs(ids) do
  if id > after then
    if #found == most then return { now, cursor, until_, last, found } end
    local record = redis.pcall('GETRANGE', prefix .. 'call:' .. id, 0, ${RECORD_BYTES - 1})
    if type(record) == 'string' then
      local _, head, from = split_record(record)
      if #record == ${RECORD_BYTES} and not (from and string.find(record, TERMINAL, from)) then
        record = redis.call('GET', prefix .. 'call:' .. id)
        _, head, from = split_record(record)
      end
      local fixed = head and read_head(head)
      if fixed then
        local state, attempt, entry, _, cancel, _, claim, _, claimed, owner, node = string.match(record, LIFE, from)
        local fits = state and (ARGV[7] == '' or state == ARGV[7])
          and (ARGV[5] == '' or fixed.__index.toolset == ARGV[5]) and (ARGV[6] == '' or fixed.__index.tool == ARGV[6])
          and (ARGV[8] == '' or fixed.__index.caller == ARGV[8])
        if fits then found[#found + 1] = { id, head, state, attempt, cancel == '-' and 0 or 1, entry, claim, owner, node, claimed } end
      end
    end
    last = id
  end
end
return { now, until_, '', '', found }
`,
  ),
);

/**
 * Looks at some calls of one shard that have not ended. A call that is there from the first look to the last is found; one may
 * be found twice.
 *
 * @param most how many to give.
 */
export async function lookAtCalls(
  store: CallStore,
  keys: ShardKeys,
  { toolset, tool, caller, state }: CallFilter,
  { cursor, until, after }: ShardPosition,
  most: number,
): Promise<ShardCalls> {
  const args = [cursor, until, after, most, toolset ?? "", tool ?? "", state ?? "", caller ?? ""];
  const reply = await runConfirmed(store, keys, LIST, [keys.prefix, keys.due], args);
  const [timeMs, nextCursor, scannedUntil, last, found] = asArray(reply);
  const next = { cursor: asText(nextCursor), until: asText(scannedUntil), after: asText(last) };
  return {
    calls: asArray(found).map(toListedCall),
    next: next.cursor === "0" && next.after === "" ? undefined : next,
    timeMs: asNumber(timeMs),
  };
}

/** The calls' scripts wrote the record, and LIST has matched it; the casts only give the parts their names. */
function toListedCall(reply: Reply): ListedCall {
  const [id, head, state, attempt, cancel, entry, claim, owner, node, claimedFirst] = asArray(reply);
  const [queuedAt = ""] = asText(entry).split("-");
  const stands = parseState(asText(state));
  const claimed = stands === "claimed";
  return {
    id: asText(id) as CallId,
    head: parseHead(asText(head)),
    state: stands === "ended" ? "unknown" : stands,
    attempt: asNumber(attempt),
    cancelRequested: asNumber(cancel) === 1,
    queuedAtMs: Number(queuedAt),
    claimedMs: Number(asText(claimedFirst)),
    claim: claimed
      ? { endsMs: asNumber(claim), provider: asText(owner).replace(/\/.*$/, ""), node: asText(node) }
      : undefined,
  };
}
