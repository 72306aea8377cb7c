import type { CallId } from "../../identity/call-id.js";
import type { Epoch, Incarnation, NodeId, ProviderId, ToolsetName } from "../../identity/names.js";
import { runConfirmed } from "../../redis/commits.js";
import { asArray, asBuffer, asNumber, asText, evenWhenFull, type Reply } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import { parseHead, parseStop, type StopReason } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { MAX_LOOKED, MAX_TAKEN_BYTES, TAKE_LUA } from "./take-lua.js";

/** The owner of claims: one start of a provider. */
export interface Taker {
  readonly provider: ProviderId;
  readonly incarnation: Incarnation;
  /** The session that takes for it; another one of the same provider may have come since. */
  readonly session: string;
}

/** A call that was claimed for a provider. */
export interface TakenCall {
  readonly id: CallId;
  readonly tool: string;
  readonly payload: Buffer;
  readonly meta: string;
  readonly attempt: number;
  readonly deadlineMs: number;
  /** What is left until the deadline, in milliseconds. */
  readonly remainingMs: number;
  /** Set when a stop has been asked for already. */
  readonly stop: StopReason | undefined;
  /** What was fixed at its admission, as its record says it. */
  readonly head: string;
}

export type TakeAnswer =
  /** `more`: the end of the waiting line was not seen. */
  | { readonly kind: "taken"; readonly calls: readonly TakenCall[]; readonly more: boolean }
  /** The session does not speak for a provider that holds a lease. */
  | { readonly kind: "lost" };

/** The name of a claim's owner. */
export const ownerOf = (taker: Taker): string => `${taker.provider}/${taker.incarnation}`;

// TAKE and RESUME. KEYS[3] requests, KEYS[4] leases, KEYS[5] providers, KEYS[6] again; ARGV[1] claim lease of once, [2] of idempotent,
// [3] node.
const TAKER_LUA = `
local line = { requests = KEYS[3], leases = KEYS[4], providers = KEYS[5], again = KEYS[6] }
local lease_of = { once = tonumber(ARGV[1]), idempotent = tonumber(ARGV[2]) }
local node = ARGV[3]
${TAKE_LUA}`;

const TAKE = evenWhenFull(
  defineCallScript(
    "TAKE",
    TAKER_LUA,
    `
-- KEYS    [1] prefix, [2] due, [3] requests, [4] leases, [5] providers, [6] again
-- ARGV    [1] claim lease of once, [2] of idempotent, [3] node; then for each taker: provider, incarnation, session, credits
-- Returns for each taker what take() answers (take.lua)
local answers = {}
for i = 4, #ARGV, 4 do
  answers[#answers + 1] = take(line, ARGV[i], ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]))
end
return answers
`,
  ),
);

const RESUME = evenWhenFull(
  defineCallScript(
    "RESUME",
    TAKER_LUA,
    `
-- KEYS    [1] prefix, [2] due, [3] requests, [4] leases, [5] providers, [6] again
-- ARGV    [1] claim lease of once, [2] of idempotent, [3] node, [4] provider, [5] incarnation, [6] session, [7] how many calls are
--         named, [8] from which entry on what it holds is read, or nothing; then for each named call: id, attempt; then entries of
--         calls that were found in its hands before
-- Returns { 'lost' }: the session does not speak for the holder of a lease
--         { 'resumed', named calls that it does not hold, calls to deliver again, entries that it goes on with, where to go on }
local owner = ARGV[4] .. '/' .. ARGV[5]
if not may_take(line, ARGV[4], ARGV[5], ARGV[6]) then return { 'lost' } end
stream_length(string.sub(line.requests, #prefix + 1)) -- what is none holds nothing
local in_hand, fenced, again, kept = {}, {}, {}, {}
local last = 8 + 2 * tonumber(ARGV[7])
for i = 9, last, 2 do
  local call = load_call(ARGV[i])
  -- Another toolset may have a provider of the same name: its calls are not this one's.
  if holds(call, owner, ARGV[i + 1]) and call.requests == line.requests then
    in_hand[call.entry] = true
    claim(call, owner, node, lease_of[call.delivery])
    kept[#kept + 1] = { call.id, call.attempt, call.cancel or '-', call.head, call.entry }
  else
    fenced[#fenced + 1] = { ARGV[i], ARGV[i + 1] }
  end
end
for i = last + 1, #ARGV do in_hand[ARGV[i]] = true end

-- What it holds and does not name never reached it: the frame was lost with the session before. The same attempt goes out.
-- Payloads are read of these alone, and some at a time.
local next, held_bytes = '', 0
if ARGV[8] ~= '' then
  local held = redis.pcall('XPENDING', line.requests, 'providers', ARGV[8], '+', ${MAX_LOOKED}, owner)
  if held.err then
    if not string.find(held.err, 'NOGROUP', 1, true) then error(held) end
    held = {}
  end
  if #held == ${MAX_LOOKED} then next = '(' .. held[#held][1] end
  for _, pending in ipairs(held) do
    local id = pending[1]
    if not in_hand[id] then
      local entry = redis.call('XRANGE', line.requests, id, id)[1]
      local call = entry and load_call(entry[2][2])
      local known = call and (call.state == 'queued' or call.state == 'claimed')
      if known and call.owner == owner and call.entry == id then
        claim(call, owner, node, lease_of[call.delivery])
        again[#again + 1] = frame(call, entry[2])
        held_bytes = held_bytes + #entry[2][6]
        if held_bytes > ${MAX_TAKEN_BYTES} then
          next = '(' .. id
          break
        end
      elseif not call or call.terminal or call.entry ~= id then
        leave(line.requests, id)
      end
      -- Another's, read by a group that was lost and made anew: it stays that one's, with its payload.
    end
  end
end
return { 'resumed', fenced, again, kept, next }
`,
  ),
);

/**
 * Claims waiting calls of one epoch, for several providers in one execution; the answers are in their order.
 *
 * @throws ToolgateError STORE_UNAVAILABLE; when its outcome is unknown, `resumeCalls` finds what was claimed.
 */
export async function takeCalls(
  store: CallStore,
  node: NodeId,
  toolset: ToolsetName,
  epoch: Epoch,
  takers: readonly (Taker & { readonly credits: number })[],
): Promise<TakeAnswer[]> {
  const args = takers.flatMap((taker) => [taker.provider, taker.incarnation, taker.session, taker.credits]);
  const reply = await runConfirmed(store, store.keyspace.forToolset(toolset), TAKE, takerKeys(store, toolset, epoch), [
    ...takerArgs(store, node),
    ...args,
  ]);
  return asArray(reply).map((answer) => toTakeAnswer(answer));
}

/** A call that a provider brought along. */
export interface KeptCall {
  readonly id: CallId;
  readonly tool: string;
  readonly attempt: number;
  /** Set when a stop was asked for meanwhile. */
  readonly stop: StopReason | undefined;
  /** What was fixed at its admission, as its record says it. */
  readonly head: string;
}

/** A call that a provider brought along, and that is not its own any more; another attempt of it may be. */
export interface FencedCall {
  readonly id: CallId;
  readonly attempt: number;
}

/** Where the reading of what a provider holds goes on. */
export interface Rest {
  readonly from: string;
  /** Entries of the calls that it has in hand. */
  readonly inHand: readonly string[];
}

/** What a provider finds when it attaches anew. */
export type Resumption =
  | {
      readonly kind: "resumed";
      /** Named in hand, and no longer its own. */
      readonly fenced: readonly FencedCall[];
      /** Its own, and never received: to be delivered again, as the same attempt. */
      readonly undelivered: readonly TakenCall[];
      /** Named in hand, and still its own. */
      readonly kept: readonly KeptCall[];
      /** Where to go on, when it holds more than was brought. Until then it must be given nothing else. */
      readonly rest: Rest | undefined;
    }
  | { readonly kind: "lost" };

/** The most named calls that one execution looks at; see renewClaims. */
const MAX_NAMED = 256;

/**
 * Reconciles what a provider has in hand with what it holds claims on, and moves those claims to this node: when it
 * attaches, and after a take whose outcome is unknown. Payloads may be large, so of what never reached the provider some is
 * brought at a time.
 */
export async function resumeCalls(
  store: CallStore,
  node: NodeId,
  toolset: ToolsetName,
  epoch: Epoch,
  taker: Taker,
  inHand: readonly { readonly id: CallId; readonly attempt: number }[],
): Promise<Resumption> {
  const fenced: FencedCall[] = [];
  const kept: KeptCall[] = [];
  const entries: string[] = [];
  for (let start = 0; ; start += MAX_NAMED) {
    const named = inHand.slice(start, start + MAX_NAMED);
    const isLast = start + MAX_NAMED >= inHand.length;
    const reply = await resume(store, node, toolset, epoch, taker, named, { from: isLast ? "-" : "", inHand: entries });
    if (reply === undefined) return { kind: "lost" };
    fenced.push(...asArray(reply[1]).map(toFencedCall));
    for (const call of asArray(reply[3])) {
      kept.push(toKeptCall(call));
      entries.push(asText(asArray(call)[4]));
    }
    if (isLast) return { kind: "resumed", fenced, kept, ...undeliveredOf(reply, entries) };
  }
}

/** Brings more of what a provider holds and never received. */
export async function resumeRest(
  store: CallStore,
  node: NodeId,
  toolset: ToolsetName,
  epoch: Epoch,
  taker: Taker,
  rest: Rest,
): Promise<Resumption> {
  const reply = await resume(store, node, toolset, epoch, taker, [], rest);
  if (reply === undefined) return { kind: "lost" };
  return { kind: "resumed", fenced: [], kept: [], ...undeliveredOf(reply, rest.inHand) };
}

/** Nothing when the session does not speak for a provider that holds a lease. */
async function resume(
  store: CallStore,
  node: NodeId,
  toolset: ToolsetName,
  epoch: Epoch,
  taker: Taker,
  named: readonly { readonly id: CallId; readonly attempt: number }[],
  { from, inHand }: Rest,
): Promise<readonly Reply[] | undefined> {
  const reply = asArray(
    await runConfirmed(store, store.keyspace.forToolset(toolset), RESUME, takerKeys(store, toolset, epoch), [
      ...takerArgs(store, node),
      taker.provider,
      taker.incarnation,
      taker.session,
      named.length,
      from,
      ...named.flatMap((call) => [call.id, call.attempt]),
      ...(from === "" ? [] : inHand),
    ]),
  );
  return asText(reply[0]) === "lost" ? undefined : reply;
}

function undeliveredOf(
  reply: readonly Reply[],
  inHand: readonly string[],
): Pick<Resumption & { kind: "resumed" }, "undelivered" | "rest"> {
  const from = asText(reply[4]);
  return {
    undelivered: asArray(reply[2]).map((frame) => toTakenCall(frame)),
    rest: from === "" ? undefined : { from, inHand },
  };
}

function takerKeys(store: CallStore, toolset: ToolsetName, epoch: Epoch): string[] {
  const keys = store.keyspace.forToolset(toolset);
  return [
    keys.prefix,
    keys.due,
    keys.requests(toolset, epoch),
    keys.leases(toolset, epoch),
    keys.providers(toolset, epoch),
    keys.again(toolset, epoch),
  ];
}

function takerArgs(store: CallStore, node: NodeId): (string | number)[] {
  return [store.claimLeaseMs.once, store.claimLeaseMs.idempotent, node];
}

/** @param admitted the call at a place of the request that admitted it, counted from 1. */
export function toTakeAnswer(reply: Reply, admitted?: (place: number) => TakenCall): TakeAnswer {
  const [kind, more, frames] = asArray(reply);
  if (asText(kind) === "lost") return { kind: "lost" };
  return {
    kind: "taken",
    calls: asArray(frames).map((frame) => toTakenCall(frame, admitted)),
    more: asNumber(more) === 1,
  };
}

function toTakenCall(reply: Reply, admitted?: (place: number) => TakenCall): TakenCall {
  if (typeof reply === "number" && admitted !== undefined) return admitted(reply);
  const [line, payload, meta] = asArray(reply);
  const [id = "", attempt, remainingMs, stop = "", ...words] = asText(line).split(" ");
  const { tool, deadlineMs } = parseHead(words.join(" "));
  return {
    id: id as CallId, // admitted under this id
    tool,
    payload: asBuffer(payload),
    meta: asText(meta),
    attempt: Number(attempt),
    deadlineMs,
    remainingMs: Number(remainingMs),
    stop: parseStop(stop),
    head: words.join(" "),
  };
}

function toFencedCall(reply: Reply): FencedCall {
  const [id, attempt] = asArray(reply);
  return { id: asText(id) as CallId, attempt: asNumber(attempt) }; // as the provider named it
}

function toKeptCall(reply: Reply): KeptCall {
  const [id, attempt, stop, head] = asArray(reply);
  const said = asText(head);
  return {
    id: asText(id) as CallId, // admitted under this id
    tool: parseHead(said).tool,
    attempt: asNumber(attempt),
    stop: parseStop(asText(stop)),
    head: said,
  };
}
