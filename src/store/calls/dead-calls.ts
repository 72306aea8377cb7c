import type { CallId } from "../../identity/call-id.js";
import { type CallerName, callerName } from "../../identity/caller-name.js";
import type { Epoch, ToolName, ToolsetName } from "../../identity/names.js";
import { ANONYMOUS } from "../../identity/principal.js";
import { asArray, asBuffer, asNumber, asText, defineScript, type Reply, runScript } from "../../redis/script.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import type { CallStore } from "./call-store.js";

/** About how many dead calls of one toolset are kept. */
export const MAX_DEAD_CALLS = 1_000;
/** About how much of Redis they may take, in bytes. */
export const MAX_DEAD_BYTES = 67_108_864;
/** How long they are kept after the latest, in milliseconds. */
export const DEAD_TTL_MS = 7 * 24 * 3_600_000;

/** An idempotent call that was given up after its last attempt; SETTLE puts it here. */
export interface DeadCall {
  /** Its place in the stream. */
  readonly id: string;
  readonly callId: CallId;
  readonly toolset: ToolsetName;
  readonly tool: ToolName;
  readonly epoch: Epoch;
  readonly reason: string;
  readonly attempts: number;
  readonly diedAtMs: number;
  readonly payload: Buffer;
  /** JSON of what the agent said about it; empty when it said nothing. */
  readonly meta: string;
  /** The tenant and the principal that made it. */
  readonly caller: CallerName;
}

// What is no stream has no calls; SETTLE sets it aside when it adds one.

const LIST_DEAD = defineScript(
  "LIST_DEAD",
  WRONG_TYPE_LUA,
  `
-- KEYS    [1] dead
-- ARGV    [1] from, [2] how many
-- Returns entries, newest first
local found = redis.pcall('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2])
return is_wrong_type(found) and {} or found
`,
);

const GET_DEAD = defineScript(
  "GET_DEAD",
  WRONG_TYPE_LUA,
  `
-- KEYS    [1] dead
-- ARGV    [1] id
-- Returns the entry, or none
local found = redis.pcall('XRANGE', KEYS[1], ARGV[1], ARGV[1])
return is_wrong_type(found) and {} or found
`,
);

const PURGE_DEAD = defineScript(
  "PURGE_DEAD",
  WRONG_TYPE_LUA,
  `
-- KEYS    [1] dead
-- ARGV    ids, or none for all
-- Returns how many were deleted
local all = redis.pcall('XLEN', KEYS[1])
if is_wrong_type(all) then return 0 end
if #ARGV > 0 then return redis.call('XDEL', KEYS[1], unpack(ARGV)) end
redis.call('DEL', KEYS[1])
return all
`,
);

/** Lists a toolset's dead calls, newest first, beginning before one, or at the newest when that is empty. */
export async function listDeadCalls(
  store: CallStore,
  toolset: ToolsetName,
  before: string,
  count: number,
): Promise<readonly DeadCall[]> {
  const from = before === "" ? "+" : `(${before}`;
  const reply = await runScript(store.redis, LIST_DEAD, [deadKey(store, toolset)], [from, count]);
  return asArray(reply).map((entry) => toDeadCall(toolset, entry));
}

/** One dead call; nothing when there is none of this id (any more). */
export async function getDeadCall(store: CallStore, toolset: ToolsetName, id: string): Promise<DeadCall | undefined> {
  const [entry] = asArray(await runScript(store.redis, GET_DEAD, [deadKey(store, toolset)], [id]));
  return entry === undefined ? undefined : toDeadCall(toolset, entry);
}

/**
 * Forgets dead calls, all of the toolset where no ids are given.
 *
 * @param ids at most a thousand.
 * @returns how many there were.
 */
export async function purgeDeadCalls(store: CallStore, toolset: ToolsetName, ids: readonly string[]): Promise<number> {
  return asNumber(await runScript(store.redis, PURGE_DEAD, [deadKey(store, toolset)], ids));
}

function deadKey(store: CallStore, toolset: ToolsetName): string {
  return store.keyspace.forToolset(toolset).dead(toolset);
}

/** SETTLE wrote it, in this order; the casts only give the fields their names. */
function toDeadCall(toolset: ToolsetName, reply: Reply): DeadCall {
  const [id, fields] = asArray(reply);
  const values = asArray(fields).filter((_, index) => index % 2 === 1);
  const [callId, tool, epoch, reason, attempts, payload, meta, caller] = values;
  const place = asText(id);
  return {
    id: place,
    callId: asText(callId) as CallId,
    toolset,
    tool: asText(tool) as ToolName,
    epoch: asNumber(epoch) as Epoch,
    reason: asText(reason),
    attempts: asNumber(attempts),
    diedAtMs: Number(place.slice(0, place.indexOf("-"))),
    payload: asBuffer(payload),
    meta: asText(meta),
    // Versions that knew one caller only did not name it.
    caller: caller === undefined ? callerName(ANONYMOUS) : (asText(caller) as CallerName),
  };
}
