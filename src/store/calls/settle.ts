import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asNumber, evenWhenFull, runScript } from "../../redis/script.js";
import { MEND_LUA } from "../mend-lua.js";
import { NOTE_PRESENCE_LUA } from "../presence.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";
import { DEAD_TTL_MS, MAX_DEAD_BYTES, MAX_DEAD_CALLS } from "./dead-calls.js";
import { DEADLINES_WHOLE } from "./deadlines-whole.js";
import { LINE_SEARCH_LUA } from "./line-search.js";
import { STRAYS } from "./strays.js";

/** How long a provider may still answer after it heard of the deadline, in milliseconds. */
const DEADLINE_GRACE_MS = 400;
/**
 * The same after an absence in which the deadline passed, from its end: nodes connect again within half a second, and hand in what
 * they have every 200 ms. With the time between two passes it stays under the second that a call may end late.
 */
const ABSENCE_GRACE_MS = 700;

/** The most calls that one execution settles. */
const BATCH = 100;

/** What one pass did. */
export interface Settled {
  readonly ended: number;
  readonly redelivered: number;
  readonly told: number;
  /** There may be more calls whose time has come. */
  readonly more: boolean;
  /** The time by Redis's clock by which leases and health are to be judged while an absence is heeded; see presence.ts. */
  readonly heldAtMs: number | undefined;
  /** The calls' deadlines are not all there, or it is not known: see restore-deadlines.ts. */
  readonly deadlinesLost: boolean;
  /** This node is to look through the waiting lines now, by restoreDeadlines: see line-search.ts. */
  readonly search: boolean;
}

// Notes that a node is here, sees to the shard's keys, then looks at each call whose time has come:
//   nothing is to be done yet           -> looked at again when there is
//   in a state that is not known        -> at its deadline and a little later: outcome_unknown
//   queued, past its deadline           -> not_executed, or outcome_unknown after a first attempt
//   claimed, claim over, once           -> outcome_unknown
//   claimed, claim over, idempotent     -> for others to take, or attempts_exhausted (and into dead)
//   claimed, at its deadline            -> its provider is asked to stop; a little later: outcome_unknown
const SETTLE = evenWhenFull(
  defineCallScript(
    "SETTLE",
    NOTE_PRESENCE_LUA,
    MEND_LUA,
    LINE_SEARCH_LUA,
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] most calls, [2] most attempts, [3] grace after the deadline, [4] after an absence that it passed in, [5] claim lease of
--         once, [6] of idempotent, [7] how long leases hold after an absence, [8] whether the node may look through the waiting lines
-- Returns how many ended; how many were delivered again; how many providers were asked to stop; how many calls were looked at;
--         whether the deadlines are whole; the time to judge leases by while an absence is heeded, else 0; whether to look through the lines
local max_attempts, grace = tonumber(ARGV[2]), tonumber(ARGV[3])
local lease_of = { once = tonumber(ARGV[5]), idempotent = tonumber(ARGV[6]) }
local ended, redelivered, told = 0, 0, 0

-- With its payload, so that an operator can make the call again; see dead-calls.ts.
local function give_up(call)
  local entry = entry_of(call)
  local dead = prefix .. 'dead:' .. call.toolset
  stream_length('dead:' .. call.toolset) -- what is none cannot be added to
  redis.call('XADD', dead, 'MAXLEN', '~', ${MAX_DEAD_CALLS}, '*', 'call', call.id, 'tool', call.tool, 'epoch', call.epoch,
    'reason', 'ATTEMPTS_EXHAUSTED', 'attempts', call.attempt, 'payload', entry and entry[2][6] or '{}', 'meta', entry and entry[2][8] or '',
    'caller', call.caller)
  redis.call('PEXPIRE', dead, ${DEAD_TTL_MS})
  finish(call, 'attempts_exhausted', 'ATTEMPTS_EXHAUSTED', '')
  -- Payloads may be large: then fewer are kept, the latest.
  local kept = redis.call('XLEN', dead)
  while kept > 1 and (tonumber(redis.pcall('MEMORY', 'USAGE', dead)) or 0) > ${MAX_DEAD_BYTES} do
    kept = math.floor(kept * 0.9)
    redis.call('XTRIM', dead, 'MAXLEN', kept)
  end
end

local function look_again(call, at)
  look_at(call, at)
  save_call(call)
end

local function redeliver(call)
  if not entry_of(call) then return finish(call, 'outcome_unknown', 'PROVIDER_LOST', '') end
  offer_to_others(call)
  call.state, call.node, call.claim = 'queued', '-', 0
  look_again(call, call.deadline)
end

note_presence(tonumber(ARGV[7]))
mend_shard()

local ids = redis.pcall('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, ARGV[1])
if is_wrong_type(ids) then
  keep_aside(due, 'due')
  ids = {}
end
for _, id in ipairs(ids) do
  local call = load_call(id)
  local claimed_until = call and claim_end(call.claim, lease_of[call.delivery])
  local patience = call and put_off(call.deadline + grace, tonumber(ARGV[4]))
  if not call or call.terminal then
    on_due('ZREM', id)
    if not call then on_due('ZADD', '+inf', '${STRAYS}') end
  elseif call.state ~= 'queued' and call.state ~= 'claimed' then
    if patience <= now then
      finish(call, 'outcome_unknown', 'DEADLINE_EXCEEDED', '')
      ended = ended + 1
    else
      look_again(call, patience)
    end
  elseif call.deadline > now and (call.state == 'queued' or claimed_until > now) then
    look_again(call, call.state == 'queued' and call.deadline or math.min(claimed_until, call.deadline))
  elseif call.state == 'queued' then
    finish_unclaimed(call, 'DEADLINE_EXCEEDED')
    ended = ended + 1
  elseif claimed_until <= now then
    if call.delivery ~= 'idempotent' then
      finish(call, 'outcome_unknown', 'PROVIDER_LOST', '')
      ended = ended + 1
    elseif call.cancel or call.deadline <= now then
      finish(call, 'outcome_unknown', call.cancel or 'DEADLINE_EXCEEDED', '')
      ended = ended + 1
    elseif call.attempt >= max_attempts then
      give_up(call)
      ended = ended + 1
    else
      redeliver(call)
      redelivered = redelivered + 1
    end
  elseif patience <= now then
    finish(call, 'outcome_unknown', 'DEADLINE_EXCEEDED', '')
    ended = ended + 1
  else
    if call.cancel ~= 'DEADLINE_EXCEEDED' then
      call.cancel = 'DEADLINE_EXCEEDED'
      notify(call.node, 'c', id, call.attempt .. ' DEADLINE_EXCEEDED')
      told = told + 1
    end
    look_again(call, patience)
  end
end
local whole, search = on_due('ZSCORE', '${DEADLINES_WHOLE}') and 1 or 0, ARGV[8] == '1' and give_search() and 1 or 0
return { ended, redelivered, told, #ids, whole,
  latest_absence().from or 0, search }
`,
  ),
);

/**
 * Settles the calls of one shard whose time has come. Any node may run it at any time; a second run changes nothing.
 *
 * @param maySearch whether this node would look through the waiting lines now.
 */
export async function settleCalls(store: CallStore, keys: ShardKeys, maySearch = false): Promise<Settled> {
  const reply = asArray(
    await runScript(
      store.redis,
      SETTLE,
      [keys.prefix, keys.due],
      [
        ...[BATCH, store.maxAttempts, DEADLINE_GRACE_MS, ABSENCE_GRACE_MS],
        ...[store.claimLeaseMs.once, store.claimLeaseMs.idempotent, store.absenceGraceMs, maySearch ? 1 : 0],
      ],
    ),
  );
  const [ended, redelivered, told, looked, whole, heldAt = 0, search] = reply.map(asNumber);
  return {
    ended: ended ?? 0,
    redelivered: redelivered ?? 0,
    told: told ?? 0,
    more: looked === BATCH,
    heldAtMs: heldAt === 0 ? undefined : heldAt,
    deadlinesLost: whole === 0,
    search: search === 1,
  };
}
