import type { Epoch, NodeId, ToolsetName } from "../../identity/names.js";
import { DEFAULT_TENANT } from "../../identity/tenant.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asBuffer, asText, type Reply, runScript } from "../../redis/script.js";
import { TurnBatch } from "../../redis/turn-batch.js";
import type { LimitRefusal } from "../call-limits/call-limit.js";
import type { LimitLines } from "../call-limits/limit-lines.js";
import { LIMITS_LUA } from "../call-limits/limits-lua.js";
import { HEALTH_ENTRY_LUA } from "../registry/health-entry.js";
import type { Admission } from "./admission.js";
import { AdmitLines } from "./admit-lines.js";
import { defineCallScript } from "./call-lua.js";
import { type CallHead, parseHead, parseSaidEnding, type SaidEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { type TakeAnswer, type TakenCall, type Taker, toTakeAnswer } from "./take.js";
import { TAKE_LUA } from "./take-lua.js";

export type AdmissionAnswer =
  | { readonly kind: "admitted"; readonly head: CallHead }
  /** The same request came before. */
  | { readonly kind: "repeated"; readonly head: CallHead; readonly ending: SaidEnding | undefined }
  /** The same ids came before, with another request. */
  | { readonly kind: "conflict" }
  /** The epoch is not routable (any more). */
  | { readonly kind: "stale" }
  | { readonly kind: "unhealthy"; readonly lastPongMs: number; readonly nowMs: number }
  | { readonly kind: "full" }
  | { readonly kind: "limited"; readonly refusal: LimitRefusal };

const ADMIT = defineCallScript(
  "ADMIT",
  `
-- KEYS    [1] prefix, [2] due, [3] health
-- ARGV    [1] how old a pong may be, [2] this node, [3] how long outcomes are kept, [4] destinations, a line each: toolset, epoch (0
--         for none), contract digest, max backlog; [5] ways that calls go, a line each: tool, delivery, line of the destination, line
--         of the overflow or 0, pinned, wait, timeout, watch, tenant, principal, line of the audited caller or 0,
--         words that its heads end with; [6] calls, a line each: id, request digest (- where it
--         cannot be repeated), line of its way, line of its group of limits or 0, meta; [7] claim lease of once, [8] of idempotent; [9] providers of this node that may
--         take what is admitted, a line each: line of the destination, provider, incarnation, session, credits, room, running; [10]
--         audited callers, a line each: kind, credential, revision of the documents, rule; [11] keyed digests of the calls' arguments,
--         nothing where there is no audited caller; [12] limits, a line each: kind, subject, how many, microseconds; [13] groups of
--         limits, a line each: lines of limits, with commas between them; [14] words that heads end with; then the calls' payloads
-- Returns for each call the place of its head (admitted), 'repeated <head>\\n<end>', 'conflict', 'stale', 'unhealthy <last pong> <now>'
--         or 'full', 'limited <line of the limit> <when to come again> <when it is unused> <what is left of budgets or ->' (times in
--         milliseconds from now, -1: never); for each provider what take() answers (take.lua); the heads
local node = ARGV[2]
-- A call is looked at by the time at which a claim could end that began now: so it need not be noted when it is claimed.
local lease_of = { once = tonumber(ARGV[7]), idempotent = tonumber(ARGV[8]) }
`,
  TAKE_LUA,
  HEALTH_ENTRY_LUA,
  LIMITS_LUA,
  `
local window = tonumber(ARGV[1])

-- Epochs as destinations: their health, and how many unfinished calls they have.
local destinations = {}
for toolset, epoch, contract, max_backlog in string.gmatch(ARGV[4], '(%S+) (%d+) (%S*) (%d+)\\n') do
  local to = { toolset = toolset, epoch = epoch, contract = contract, max_backlog = tonumber(max_backlog) }
  local health = epoch ~= '0' and redis.pcall('HGET', KEYS[3], toolset .. '@' .. epoch)
  -- What is no hash says of no epoch: the settler sets it aside.
  if is_wrong_type(health) then health = nil end
  local state, pong, live, room = string.match(health or '', HEALTH)
  if state then
    to.state, to.pong, to.room = state, tonumber(pong), tonumber(room)
    to.healthy = to.room > 0 and is_recent(to.pong, tonumber(live), window)
    to.requests = prefix .. 'requests:' .. toolset .. ':' .. epoch
    to.calls = stream_length('requests:' .. toolset .. ':' .. epoch)
    to.own = { next = to.calls == 0 and 1 or nil, read = 0 }
  end
  destinations[#destinations + 1] = to
end

-- Who calls, and with what, where the audit has it.
local callers, arguments = {}, {}
for who in string.gmatch(ARGV[10], '[^\\n]+') do callers[#callers + 1] = who end
for digest in string.gmatch(ARGV[11], '%S+') do arguments[#arguments + 1] = digest end

-- What calls have in common: what they ask for, and where they may go.
local ways = {}
for tool, delivery, first, second, pinned, wait, timeout, to_watch, caller, who, words in string.gmatch(ARGV[5],
  '(%S+) (%a+) (%d+) (%d+) (%d) (%d) (%d+) (%d) (%S+ %S+) (%d+)([^\\n]*)\\n') do
  ways[#ways + 1] = { tool = tool, delivery = delivery, to = destinations[tonumber(first)], overflow = destinations[tonumber(second)],
    pinned = pinned, wait = wait == '1', deadline = now + tonumber(timeout), watch = to_watch == '1', caller = caller, heads = {},
    who = callers[tonumber(who)], words = words }
end

local heads_said = {}
local function head_of(way, to)
  return to.toolset .. ' ' .. way.tool .. ' ' .. to.epoch .. ' ' .. (to.contract == '' and '-' or to.contract) .. ' ' .. way.delivery .. ' ' ..
    text[way.deadline] .. ' ' .. ARGV[3] .. ' ' .. text[now] .. ' ' .. way.caller
    .. (way.who and ' audited' or '') .. ARGV[14] .. way.words
end
local function line_of_head(way, to)
  local line = way.heads[to]
  if not line then
    line = #heads_said + 1
    heads_said[line] = head_of(way, to)
    way.heads[to] = line
  end
  return line
end

local limiter = ARGV[12] ~= '' and read_limits(ARGV[12], ARGV[13])

-- Whether a tenant has less than its share of a full backlog: then it is let in beyond it, while what is beyond is under half as much again.
local function is_short(way, to)
  if to.calls >= to.max_backlog + math.max(1, math.floor(to.max_backlog / 2)) then return false end
  if not to.tenants then
    local key, others = prefix .. 'guests:' .. to.toolset .. ':' .. to.epoch, 0
    local counts = redis.pcall('ZRANGE', key, 0, -1, 'WITHSCORES')
    if is_wrong_type(counts) then counts = {} end
    to.tenants, to.waiting = {}, 0
    for place = 1, #counts, 2 do to.tenants[counts[place]] = tonumber(counts[place + 1]) end
    -- What this script has changed is written at its end.
    for tenant, by in pairs(guests[key] and guests[key].by or {}) do to.tenants[tenant] = (to.tenants[tenant] or 0) + by end
    for _, count in pairs(to.tenants) do
      others = others + count
      to.waiting = to.waiting + 1
    end
    if to.calls > others then
      to.tenants[string.match(to.toolset, '^([^/]+)/') or '${DEFAULT_TENANT}'] = to.calls - others
      to.waiting = to.waiting + 1
    end
  end
  local own = to.tenants[string.match(way.caller, '^%S+')] or 0
  local sharing = to.waiting + (own == 0 and 1 or 0)
  return sharing > 1 and own < to.max_backlog / sharing
end

-- Where a call that goes this way is admitted now; nothing, and the answer, where it is not.
local function admits(way)
  local to, other = way.to, way.overflow
  if not (to.state == 'active' or (to.state == 'retiring' and way.pinned == '1')) then return nil, 'stale' end
  if other and to.calls >= to.room and other.state == 'retiring' and other.healthy and other.calls < other.room then to = other end
  if not to.healthy and not way.wait then return nil, 'unhealthy ' .. text[to.pong] .. ' ' .. text[now] end
  if to.calls >= to.max_backlog and not is_short(way, to) then return nil, 'full' end
  return to
end

-- By id; their records are written at the end, claimed already where that can be.
local admitted = {}

local function repeated(id, digest, way)
  local former = admitted[id] or load_call(id)
  if not former then
    -- Its record was damaged: it may have run.
    lose(id, head_of(way, way.to), 0)
    former = load_call(id)
  end
  if former.digest ~= digest and former.digest ~= '*' then return 'conflict' end
  if way.watch and not former.terminal then watch(former, node) end
  return 'repeated ' .. former.head .. '\\n' .. (former.terminal and said_end(former) or '')
end

local answers = {}
for id, digest, line, group_line, meta in string.gmatch(ARGV[6], '(%S+) (%S+) (%d+) (%d+) ([^\\n]*)\\n') do
  local way, key = ways[tonumber(line)], prefix .. 'call:' .. id
  local answer
  if digest ~= '-' and (admitted[id] or redis.call('EXISTS', key) == 1) then
    answer = repeated(id, digest, way)
  else
    local group, to = limiter and limiter.groups[tonumber(group_line)]
    to, answer = admits(way)
    if to and group then
      answer = limiter.refused_by(group, id)
      to = not answer and to
    end
    if to then
      answer = line_of_head(way, to)
      local call = setmetatable({ id = id, key = key, digest = digest, place = #answers + 1, state = 'queued', attempt = 0,
        pinned = way.pinned, output = '-', claim = 0, owner = '-', node = '-', watchers = way.watch and ',' .. node or '', claimed = 0 },
        read_head(heads_said[answer]))
      local payload = ARGV[15 + #answers]
      call.bytes = #payload
      -- Where nothing waits there are no guests, whatever was missed.
      if call.guest and to.calls == 0 then redis.call('DEL', prefix .. 'guests:' .. to.toolset .. ':' .. to.epoch) end
      enqueue(call, way.tool, payload, meta)
      if way.who then audit_admission(call, way.who, arguments[call.place], node) end
      look_at(call, math.min(way.deadline, now + lease_of[way.delivery]))
      admitted[id] = call
      if group then
        call.more = group.held
        limiter.spend(id, way.deadline, group.running)
      end
      to.calls = to.calls + 1
      if to.tenants then
        local tenant = string.match(way.caller, '^%S+')
        if not to.tenants[tenant] then to.waiting = to.waiting + 1 end
        to.tenants[tenant] = (to.tenants[tenant] or 0) + 1
      end
      to.own[#to.own + 1] = call
    end
  end
  answers[#answers + 1] = answer
end
if limiter then limiter.write() end

-- A provider of this node takes at once what is its share: as much of the epoch's calls as its room is of all room.
local taken = {}
local function share_out()
  for number, provider, incarnation, session, credits, room, running in
    string.gmatch(ARGV[9], '(%d+) (%S+) (%S+) (%S+) (%d+) (%d+) (%d+)\\n') do
    local to = destinations[tonumber(number)]
    local share = to.room and math.ceil(to.calls * room / math.max(to.room, room)) - running or 0
    taken[#taken + 1] = share > 0 and #to.own > 0
      and take(line_of(to.toolset, to.epoch), provider, incarnation, session, math.min(credits, share), to.own) or { 'taken', 0, {} }
  end
end
-- What keeps a provider from taking keeps no call from being admitted: it waits.
local shared, fault = pcall(share_out)
for _, call in ipairs(enqueued) do
  if call.state == 'queued' then save_call(call) end
end
if not shared then error(fault, 0) end
return { answers, taken, heads_said }
`,
);

/** A provider of this node that may claim calls in the script that admits them. */
export interface OfferedTaker extends Taker {
  /** The most calls that it claims. */
  readonly credits: number;
  readonly maxInFlight: number;
  /** How many calls it runs already. */
  readonly running: number;
}

/** Providers of one epoch, set aside for one script; one of the two is called when that is over. */
export interface Offer {
  readonly takers: readonly OfferedTaker[];
  /** What became of each, in order. */
  taken(answers: readonly TakeAnswer[]): void;
  /** It may have been claimed nevertheless; see `takeCalls`. */
  failed(error: unknown): void;
}

export interface AdmitSettings {
  readonly node: NodeId;
  readonly healthWindowMs: number;
  /** How many calls one script should admit. */
  readonly batchSize: () => number;
  /** Providers of this node with room for calls, at most as many as are said; nothing where there are none. */
  readonly offer: (toolset: ToolsetName, epoch: Epoch, calls: number) => Offer | undefined;
}

/** Admits calls, exactly once per call id; those of one turn of the event loop in one script per shard. */
export class Admissions {
  readonly #store: CallStore;
  readonly #batches = new Map<ShardKeys, TurnBatch<Admission, AdmissionAnswer>>();
  /** Those whose answers go to their callers at once. */
  readonly #told = new Map<ShardKeys, TurnBatch<Admission, AdmissionAnswer>>();

  constructor(store: CallStore, settings: AdmitSettings) {
    this.#store = store;
    for (const keys of store.keyspace.shards) {
      const batch = (told: boolean) =>
        new TurnBatch<Admission, AdmissionAnswer>({ maxItems: settings.batchSize }, (admissions) =>
          admit(store, settings, keys, admissions, told),
        );
      const untold = batch(false);
      this.#batches.set(keys, untold);
      this.#told.set(keys, store.commits.waits ? batch(true) : untold);
    }
  }

  /**
   * @param told the caller hears of the admission before the call's end.
   * @throws ToolgateError STORE_UNAVAILABLE; when its outcome is unknown, a repeat with the same call id learns it later.
   */
  admit(admission: Admission, told: boolean): Promise<AdmissionAnswer> {
    const batch = (told ? this.#told : this.#batches).get(this.#store.keyspace.forToolset(admission.toolset));
    if (batch === undefined) throw new RangeError("a toolset outside of the keyspace");
    const answer = batch.add(admission);
    if (told || !this.#store.commits.waits) return answer;
    // The end of an earlier request's call goes out at once, so it is asked for again in that way. A large one is to be read yet.
    return answer.then((untold) =>
      untold.kind === "repeated" && untold.ending !== undefined && untold.ending.kind !== "large"
        ? this.admit(admission, true)
        : untold,
    );
  }
}

async function admit(
  store: CallStore,
  settings: AdmitSettings,
  keys: ShardKeys,
  admissions: readonly Admission[],
  told: boolean,
): Promise<AdmissionAnswer[]> {
  const lines = new AdmitLines(admissions);
  const offers: { readonly offer: Offer; readonly lines: string }[] = [];
  for (const [to, { call, calls }] of lines.wanted) {
    const offer = settings.offer(call.toolset, call.destination.epoch, calls);
    if (offer === undefined) continue;
    const takers = offer.takers.map(
      (taker) =>
        `${to} ${taker.provider} ${taker.incarnation} ${taker.session} ${taker.credits} ${taker.maxInFlight} ${taker.running}\n`,
    );
    offers.push({ offer, lines: takers.join("") });
  }
  const scriptKeys = [keys.prefix, keys.due, keys.health];
  const scriptArgs = [
    settings.healthWindowMs,
    settings.node,
    store.resultTtlMs,
    lines.destinations,
    lines.ways,
    lines.calls,
    store.claimLeaseMs.once,
    store.claimLeaseMs.idempotent,
    offers.map(({ lines }) => lines).join(""),
    lines.auditedCallers,
    lines.argumentsDigests,
    lines.limits.text,
    lines.limits.groups,
    store.listEnded ? " listed" : "",
    ...admissions.map(({ payload }) => payload),
  ];
  let reply: Reply;
  try {
    if (told || offers.length > 0) {
      const outcome = await store.commits.run(store.redis, ADMIT, keys, scriptKeys, scriptArgs);
      reply = outcome.reply;
      if (told || !store.commits.confirming || givesWhatMustLast(reply, admissions)) await outcome.confirm();
    } else reply = await runScript(store.redis, ADMIT, scriptKeys, scriptArgs);
  } catch (error) {
    for (const { offer } of offers) offer.failed(error);
    throw error;
  }
  const [answers, taken, heads] = asArray(reply).map(asArray);
  const said = heads?.map((head) => new SaidHead(asText(head))) ?? [];
  const headAt = (line: Reply | undefined): SaidHead => {
    const head = typeof line === "number" ? said[line - 1] : undefined;
    if (head === undefined) throw new TypeError("ADMIT answered with a head that it did not say");
    return head;
  };
  const claimed = (place: number): TakenCall => claimedAtOnce(admissions[place - 1], headAt(answers?.[place - 1]));
  const takes = taken?.map((answer) => toTakeAnswer(answer, claimed)) ?? [];
  for (const { offer } of offers) offer.taken(takes.splice(0, offer.takers.length));
  return (answers ?? []).map((answer) =>
    typeof answer === "number" ? { kind: "admitted", head: headAt(answer).head } : toRefusal(answer, lines.limits),
  );
}

/** Whether providers got by it what could run twice if it were taken back: see commits.ts. */
function givesWhatMustLast(reply: Reply, admissions: readonly Admission[]): boolean {
  const takes = asArray(asArray(reply)[1]).map((answer) => asArray(answer)[2]);
  return takes.some((frames) =>
    frames === undefined
      ? false
      : asArray(frames).some((frame) => typeof frame !== "number" || admissions[frame - 1]?.requestDigest !== "-"),
  );
}

/** A head as the script says it, and what it says: many calls of a batch may share it. */
class SaidHead {
  readonly text: string;
  readonly head: CallHead;

  constructor(text: string) {
    this.text = text;
    this.head = parseHead(text);
  }
}

/** A call that was claimed by the script that admitted it. */
function claimedAtOnce(admission: Admission | undefined, { text, head }: SaidHead): TakenCall {
  if (admission === undefined) throw new TypeError("ADMIT claimed a call that it did not admit");
  const { id, tool, payload, meta, timeoutMs } = admission;
  return {
    id,
    tool,
    payload,
    meta,
    attempt: 1,
    deadlineMs: head.deadlineMs,
    remainingMs: timeoutMs,
    stop: undefined,
    head: text,
  };
}

/** A word that says which answer it is, and what belongs to it. */
function toRefusal(reply: Reply, limits: LimitLines): AdmissionAnswer {
  const bytes = asBuffer(reply);
  const line = bytes.indexOf(10);
  const [word = "", ...rest] = bytes.toString("latin1", 0, line < 0 ? bytes.length : line).split(" ");
  switch (word) {
    case "repeated": {
      const terminal = bytes.subarray(line + 1);
      return {
        kind: "repeated",
        head: parseHead(rest.join(" ")),
        ending: terminal.length === 0 ? undefined : parseSaidEnding(terminal),
      };
    }
    case "unhealthy":
      return { kind: "unhealthy", lastPongMs: Number(rest[0]), nowMs: Number(rest[1]) };
    case "limited":
      return { kind: "limited", refusal: limits.refusal(rest) };
    case "conflict":
    case "stale":
    case "full":
      return { kind: word };
    default:
      throw new TypeError(`ADMIT answered "${word}"`);
  }
}
