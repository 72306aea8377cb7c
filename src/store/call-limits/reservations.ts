import type { CallId } from "../../identity/call-id.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asText, evenWhenFull, runScript } from "../../redis/script.js";
import { TurnBatch } from "../../redis/turn-batch.js";
import { defineCallScript } from "../calls/call-lua.js";
import type { CallStore } from "../calls/call-store.js";
import { probeCalls } from "../calls/read-call.js";
import type { CallLimit, LimitRefusal } from "./call-limit.js";
import { LimitLines } from "./limit-lines.js";
import { LIMITS_LUA } from "./limits-lua.js";

/** What a call is to count in the shard of its caller's tenant, which is another one than its own. */
export interface Reservation {
  readonly id: CallId;
  readonly keys: ShardKeys;
  readonly limits: readonly CallLimit[];
  /** How long the call may take. */
  readonly timeoutMs: number;
}

/** What was counted for a call: it is taken back where the call is not admitted. */
export interface Reserved {
  readonly id: CallId;
  readonly keys: ShardKeys;
  readonly limits: readonly CallLimit[];
}

export type ReservationAnswer =
  | { readonly kind: "reserved"; readonly reserved: Reserved }
  | { readonly kind: "limited"; readonly refusal: LimitRefusal };

const RESERVE = defineCallScript(
  "RESERVE",
  LIMITS_LUA,
  `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] limits, a line each: kind, subject, how many, microseconds; [2] groups of them, a line each: lines of limits, with commas
--         between them; [3] calls, a line each: id, how long it may take, line of its group
-- Returns for each call the lines of the limits that count it now, with commas between them; or 'limited ...' as ADMIT does
local limiter, answers = read_limits(ARGV[1], ARGV[2]), {}
for id, timeout, line in string.gmatch(ARGV[3], '(%S+) (%d+) (%d+)\\n') do
  local group = limiter.groups[tonumber(line)]
  local answer = limiter.refused_by(group, id)
  if not answer then
    -- One that is counted as unfinished is here again: it is the same call.
    local running, places = {}, {}
    for _, limit in ipairs(limiter.anew(group, id)) do
      if limit.kind == 'running' then running[#running + 1] = limit end
      places[#places + 1] = limit.place
    end
    limiter.spend(id, now + tonumber(timeout), running)
    answer = table.concat(places, ',')
  end
  answers[#answers + 1] = answer
end
limiter.write()
return answers
`,
);

// A day that is over has its budget back anyway.
const GIVE_BACK = evenWhenFull(
  defineCallScript(
    "GIVE_BACK",
    LIMITS_LUA,
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] limits, [2] groups of them, as RESERVE has them; [3] calls, a line each: id, line of its group
-- Returns 0
local limiter = read_limits(ARGV[1], ARGV[2])
for id, line in string.gmatch(ARGV[3], '(%S+) (%d+)\\n') do
  for _, limit in ipairs(limiter.groups[tonumber(line)]) do
    if limit.kind == 'running' then
      redis.pcall('ZREM', limit.key, id)
    else
      if not limit.read then limiter.read_use(limit) end
      limit.used, limit.changed = math.max(0, limit.used - (limit.kind == 'rate' and limit.every or 1)), true
    end
  end
end
limiter.write()
return 0
`,
  ),
);

// How many ids are looked at at once bounds the time that it takes: a limit of more unfinished calls is swept in parts.
const LIST_RUNNING = defineCallScript(
  "LIST_RUNNING",
  `
-- KEYS    [1] prefix, [2] due, [3] the set of unfinished calls
-- ARGV    [1] the place of the first, [2] the place of the last
-- Returns ids
local ids = redis.pcall('ZRANGE', KEYS[3], ARGV[1], ARGV[2])
return is_wrong_type(ids) and {} or ids
`,
);

/** The most calls that one execution reserves for. */
const MAX_BATCH = 128;
/** The most unfinished calls that are looked up at once. */
const MAX_SWEPT = 512;
/** How often a node looks whether the unfinished calls of one limit have ended, in milliseconds at least. */
const SWEEP_INTERVAL_MS = 25;
/** The most limits whose last look is remembered. */
const MAX_SWEEPS = 10_000;

/**
 * Counts calls by limits of their callers, tenants and runs where those are in another shard than the call: before the call is
 * admitted, by one script for all calls of a turn. What is not admitted then is taken back.
 *
 * The script that ends a call cannot reach the sets of unfinished calls there. So where one is full, its calls are looked up in their
 * own shards, and those that have ended leave it, before the next call is refused.
 */
export class Reservations {
  readonly #store: CallStore;
  readonly #monotonicMs: () => number;
  readonly #reserving = new Map<ShardKeys, TurnBatch<Reservation, ReservationAnswer>>();
  readonly #returning = new Map<ShardKeys, TurnBatch<Reserved, true>>();
  /** The looks at sets of unfinished calls, by subject: when the last one began, and itself. */
  readonly #sweeps = new Map<string, { readonly atMs: number; readonly done: Promise<boolean> }>();

  constructor(store: CallStore, monotonicMs: () => number) {
    this.#store = store;
    this.#monotonicMs = monotonicMs;
    for (const keys of store.keyspace.shards) {
      this.#reserving.set(keys, new TurnBatch({ maxItems: MAX_BATCH }, (calls) => this.#reserveAll(keys, calls)));
      this.#returning.set(keys, new TurnBatch({ maxItems: MAX_BATCH }, (calls) => this.#returnAll(keys, calls)));
    }
  }

  /** Counts a call, unless a limit refuses it. @throws ToolgateError STORE_UNAVAILABLE */
  async reserve(reservation: Reservation): Promise<ReservationAnswer> {
    const answer = await batchOf(this.#reserving, reservation.keys).add(reservation);
    if (answer.kind === "reserved" || answer.refusal.limit.kind !== "running") return answer;
    return (await this.#sweep(reservation.keys, answer.refusal.limit))
      ? batchOf(this.#reserving, reservation.keys).add(reservation)
      : answer;
  }

  /** Takes back what was counted. Where that fails it stays counted: a set of unfinished calls forgets it at the call's deadline. */
  async giveBack(reserved: Reserved): Promise<void> {
    if (reserved.limits.length === 0) return;
    await batchOf(this.#returning, reserved.keys)
      .add(reserved)
      .catch(() => {});
  }

  async #reserveAll(keys: ShardKeys, calls: readonly Reservation[]): Promise<ReservationAnswer[]> {
    const lines = new LimitLines();
    const said = calls.map(({ id, timeoutMs, limits }) => `${id} ${timeoutMs} ${lines.group(limits)}\n`);
    const reply = await runConfirmed(
      this.#store,
      keys,
      RESERVE,
      [keys.prefix, keys.due],
      [lines.text, lines.groups, said.join("")],
    );
    return asArray(reply).map((answer, index) => {
      const [word = "", ...rest] = asText(answer).split(" ");
      if (word === "limited") return { kind: "limited", refusal: lines.refusal(rest) };
      const { id } = calls[index] as Reservation; // the script answers each of them
      return { kind: "reserved", reserved: { id, keys, limits: lines.named(word) } };
    });
  }

  async #returnAll(keys: ShardKeys, calls: readonly Reserved[]): Promise<true[]> {
    const lines = new LimitLines();
    const said = calls.map(({ id, limits }) => `${id} ${lines.group(limits)}\n`);
    await runScript(this.#store.redis, GIVE_BACK, [keys.prefix, keys.due], [lines.text, lines.groups, said.join("")]);
    return calls.map(() => true);
  }

  /** Lets go of calls that have ended; whether there were any. */
  #sweep(keys: ShardKeys, limit: CallLimit): Promise<boolean> {
    const nowMs = this.#monotonicMs();
    const last = this.#sweeps.get(limit.subject);
    if (last !== undefined && nowMs - last.atMs < SWEEP_INTERVAL_MS) return last.done;
    if (this.#sweeps.size >= MAX_SWEEPS) this.#sweeps.clear();
    const done = this.#releaseEnded(keys, limit).catch(() => false);
    this.#sweeps.set(limit.subject, { atMs: nowMs, done });
    return done;
  }

  async #releaseEnded(keys: ShardKeys, limit: CallLimit): Promise<boolean> {
    const { redis, keyspace } = this.#store;
    for (let from = 0; ; from += MAX_SWEPT) {
      const scriptKeys = [keys.prefix, keys.due, keys.running(limit.subject)];
      const ids = asArray(await runScript(redis, LIST_RUNNING, scriptKeys, [from, from + MAX_SWEPT - 1])).map(
        (id) => asText(id) as CallId, // written by RESERVE
      );
      const byShard = new Map<ShardKeys, CallId[]>();
      for (const id of ids) {
        const shard = keyspace.forCall(id);
        if (shard !== undefined) byShard.set(shard, [...(byShard.get(shard) ?? []), id]);
      }
      const ended: CallId[] = [];
      for (const [shard, own] of byShard) {
        const answers = await probeCalls(this.#store, shard, own);
        // One that has no record may be on its way there: its reservation comes first.
        ended.push(...own.filter((_, index) => ["ended", "untold"].includes(answers[index]?.kind ?? "")));
      }
      if (ended.length > 0) {
        await Promise.all(ended.map((id) => this.giveBack({ id, keys, limits: [limit] })));
        return true;
      }
      if (ids.length < MAX_SWEPT) return false;
    }
  }
}

function batchOf<Item, Answer>(
  batches: ReadonlyMap<ShardKeys, TurnBatch<Item, Answer>>,
  keys: ShardKeys,
): TurnBatch<Item, Answer> {
  const batch = batches.get(keys);
  if (batch === undefined) throw new RangeError("a shard outside of the keyspace");
  return batch;
}
