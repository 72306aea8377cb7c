import type { Delivery } from "../contract/contract.js";
import type { CallId } from "../identity/call-id.js";
import type { Digest, Epoch, NodeId, ToolName, ToolsetName } from "../identity/names.js";
import type { ShardKeys } from "../redis/keys.js";
import { asArray, asBuffer, asNumber, asText, defineScript, type Reply, runScript } from "../redis/script.js";
import { TurnBatch } from "../redis/turn-batch.js";
import { CALL_LUA } from "./call-lua.js";
import { type CallHead, type Ending, parseEnding, parseHead } from "./call-record.js";
import type { CallStore } from "./call-store.js";

/** An epoch that a call may go to. */
export interface Destination {
  readonly epoch: Epoch;
  readonly digest: Digest;
  /** The most unfinished calls that it may have. */
  readonly maxBacklog: number;
}

/** A call that passed everything that a node can check by itself. */
export interface Admission {
  readonly id: CallId;
  /** Of toolset, tool and payload: a repeat must ask for the same. */
  readonly requestDigest: string;
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  readonly delivery: Delivery;
  readonly destination: Destination;
  /** Where it may go while the destination has no room: a retiring epoch whose contract takes the payload too. */
  readonly overflow: Destination | undefined;
  /** The caller named the digest: a retiring epoch will do. */
  readonly pinned: boolean;
  /** Admit also while nobody is healthy. */
  readonly wait: boolean;
  readonly timeoutMs: number;
  readonly payload: Buffer;
  /** JSON of what the agent said about the call; empty when it said nothing. */
  readonly meta: string;
  /** This node wants to hear of the call's output and end. */
  readonly watch: boolean;
}

export type AdmissionAnswer =
  | { readonly kind: "admitted"; readonly head: CallHead }
  /** The same request came before. */
  | { readonly kind: "repeated"; readonly head: CallHead; readonly ending: Ending | undefined }
  /** The same ids came before, with another request. */
  | { readonly kind: "conflict" }
  /** The epoch is not routable (any more). */
  | { readonly kind: "stale" }
  | { readonly kind: "unhealthy"; readonly lastPongMs: number; readonly nowMs: number }
  | { readonly kind: "full" };

// KEYS[3] health. ARGV[1] how old a pong may be, [2] this node, [3] how long outcomes are kept; then per call 17 values:
// id, request digest, toolset, tool, delivery, epoch, contract digest, max backlog, the same three of the overflow epoch (0
// for none), pinned, wait, timeout, payload, meta, watch.
const ADMIT = defineScript(
  "ADMIT",
  CALL_LUA,
  `
local window, node, retention = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])

-- An epoch as a destination: its health, and how many unfinished calls it has. Looked up once per script.
local destinations = {}
local function destination(toolset, epoch, contract, max_backlog)
  local field = toolset .. '@' .. epoch
  if destinations[field] then return destinations[field] end
  local text = epoch ~= '0' and redis.call('HGET', KEYS[3], field)
  if not text then return nil end
  local state, pong, live, room = string.match(text, '^(%a+) (%d+) (%d+) (%d+)')
  pong = tonumber(pong)
  destinations[field] = { epoch = epoch, contract = contract, state = state, pong = pong, room = tonumber(room),
    healthy = pong > 0 and now - pong <= window and tonumber(live) > now,
    calls = redis.call('XLEN', prefix .. 'requests:' .. toolset .. ':' .. epoch), max_backlog = tonumber(max_backlog) }
  return destinations[field]
end

local answers = {}
for i = 4, #ARGV, 17 do
  local id, toolset = ARGV[i], ARGV[i + 2]
  local former = load_call(id)
  local answer
  if former then
    if former.digest ~= ARGV[i + 1] then
      answer = { 'conflict' }
    else
      answer = { 'repeated', former.head, former.terminal or '' }
      if ARGV[i + 16] == '1' and not former.terminal and not string.find(' ' .. former.watchers .. ' ', ' ' .. node .. ' ', 1, true) then
        redis.call('HSET', prefix .. 'call:' .. id, 'watchers', former.watchers .. ' ' .. node)
      end
    end
  else
    local to = destination(toolset, ARGV[i + 5], ARGV[i + 6], ARGV[i + 7])
    if not to or not (to.state == 'active' or (to.state == 'retiring' and ARGV[i + 11] == '1')) then
      answer = { 'stale' }
    else
      if to.calls >= to.room and ARGV[i + 8] ~= '0' then
        local other = destination(toolset, ARGV[i + 8], ARGV[i + 9], ARGV[i + 10])
        if other and other.state == 'retiring' and other.healthy and other.calls < other.room then to = other end
      end
      if not to.healthy and ARGV[i + 12] == '0' then
        answer = { 'unhealthy', to.pong, now }
      elseif to.calls >= to.max_backlog then
        answer = { 'full' }
      else
        local deadline = now + tonumber(ARGV[i + 13])
        local head = table.concat({ toolset, ARGV[i + 3], to.epoch, to.contract, ARGV[i + 4], deadline, retention }, ' ')
        local key = prefix .. 'call:' .. id
        redis.call('HSET', key, 'digest', ARGV[i + 1], 'head', head, 'watchers', ARGV[i + 16] == '1' and node or '')
        if ARGV[i + 11] == '1' then redis.call('HSET', key, 'pinned', '1') end
        redis.call('PEXPIREAT', key, deadline + retention)
        redis.call('ZADD', due, deadline, id)
        local call = { id = id, toolset = toolset, epoch = to.epoch, requests = prefix .. 'requests:' .. toolset .. ':' .. to.epoch }
        enqueue(call, ARGV[i + 3], ARGV[i + 14], ARGV[i + 15])
        to.calls = to.calls + 1
        answer = { 'admitted', head }
      end
    end
  end
  answers[#answers + 1] = answer
end
return answers
`,
);

/** The most calls that one execution admits: it holds Redis up for about a millisecond. */
const MAX_BATCH = 64;

export interface AdmitSettings {
  readonly node: NodeId;
  readonly healthWindowMs: number;
}

/** Admits calls, exactly once per call id; those of one turn of the event loop in one script per shard. */
export class Admissions {
  readonly #store: CallStore;
  readonly #batches = new Map<ShardKeys, TurnBatch<Admission, AdmissionAnswer>>();

  constructor(store: CallStore, settings: AdmitSettings) {
    this.#store = store;
    for (const keys of store.keyspace.shards) {
      this.#batches.set(
        keys,
        new TurnBatch({ maxItems: MAX_BATCH }, (admissions) => admit(store, settings, keys, admissions)),
      );
    }
  }

  /** @throws ToolgateError STORE_UNAVAILABLE; when its outcome is unknown, the same call id tells it later. */
  admit(admission: Admission): Promise<AdmissionAnswer> {
    const batch = this.#batches.get(this.#store.keyspace.forToolset(admission.toolset));
    if (batch === undefined) throw new RangeError("a toolset outside of the keyspace");
    return batch.add(admission);
  }
}

async function admit(
  store: CallStore,
  settings: AdmitSettings,
  keys: ShardKeys,
  admissions: readonly Admission[],
): Promise<AdmissionAnswer[]> {
  const args = admissions.flatMap((call) => [
    call.id,
    call.requestDigest,
    call.toolset,
    call.tool,
    call.delivery,
    call.destination.epoch,
    call.destination.digest,
    call.destination.maxBacklog,
    call.overflow?.epoch ?? 0,
    call.overflow?.digest ?? "",
    call.overflow?.maxBacklog ?? 0,
    call.pinned ? 1 : 0,
    call.wait ? 1 : 0,
    call.timeoutMs,
    call.payload,
    call.meta,
    call.watch ? 1 : 0,
  ]);
  const reply = await runScript(
    store.redis,
    ADMIT,
    [keys.prefix, keys.due, keys.health],
    [settings.healthWindowMs, settings.node, store.resultTtlMs, ...args],
  );
  return asArray(reply).map(toAnswer);
}

function toAnswer(reply: Reply): AdmissionAnswer {
  const [kind, first, second] = asArray(reply);
  const word = asText(kind);
  switch (word) {
    case "admitted":
      return { kind: "admitted", head: parseHead(asText(first)) };
    case "repeated": {
      const terminal = asBuffer(second);
      return {
        kind: "repeated",
        head: parseHead(asText(first)),
        ending: terminal.length === 0 ? undefined : parseEnding(terminal),
      };
    }
    case "unhealthy":
      return { kind: "unhealthy", lastPongMs: asNumber(first), nowMs: asNumber(second) };
    case "conflict":
    case "stale":
    case "full":
      return { kind: word };
    default:
      throw new TypeError(`ADMIT answered "${word}"`);
  }
}
