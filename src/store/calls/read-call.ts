import type { CallId } from "../../identity/call-id.js";
import type { CallerName } from "../../identity/caller-name.js";
import type { NodeId } from "../../identity/names.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { luaLiteral } from "../../redis/lua-file.js";
import { asArray, asBuffer, asNumber, asText, defineScript, evenWhenFull, type Reply } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import {
  type CallHead,
  type CallState,
  parseHead,
  parseSaidEnding,
  parseState,
  type SaidEnding,
} from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { LIFE_BEGIN, PEEKED_BYTES, SAID_BYTES, TERMINAL_LINE } from "./record-lua.js";

/** A piece of a call's output, as it stands in the result stream. */
export interface Delta {
  /** Its id in the stream: readers resume after it. */
  readonly cursor: string;
  readonly attempt: number;
  readonly data: Buffer;
}

/** Where a call stands, and output from a cursor on. */
export interface CallReading {
  readonly head: CallHead;
  readonly state: CallState;
  readonly attempt: number;
  readonly cancelRequested: boolean;
  readonly deltas: readonly Delta[];
  /** How many bytes the next piece of output has, where there is more than was read; else 0. */
  readonly moreBytes: number;
  /** Comes with the last of the output. */
  readonly ending: SaidEnding | undefined;
}

/** The most pieces of output that one reading brings: they become one message, and wait for readers that are slow. */
const READ_COUNT = 256;
/** The most bytes of output that come with a reading which took no turn; see large-readings.ts. */
const SMALL_OUTPUT_BYTES = 16_384;
/** The most pieces that are looked at once: twice as many as the time before, since each may be large. */
const PAGE_COUNT = 32;

const READ = evenWhenFull(
  defineCallScript(
    "READ",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] id, [2] cursor, [3] a node to notify from now on or nothing, [4] the most pieces, [5] the most bytes; [6] the tenant and principal
--         whose call it must be for the node to be notified, or nothing
-- Returns { 'unknown' }
--         { 'known', head, state, attempt, whether it was asked to stop, its end or '', pieces of output, whether there are more }
local call = load_call(ARGV[1])
if not call then return { 'unknown' } end
local node = ARGV[3]
if node ~= '' and not call.terminal and (ARGV[6] == '' or call.caller == ARGV[6]) then watch(call, node) end
local entries, bytes, more, from = {}, 0, 0, ARGV[2] == '' and '-' or '(' .. ARGV[2]
local most, most_bytes, count = tonumber(ARGV[4]), tonumber(ARGV[5]), 1
while most > 0 and more == 0 do
  local page = redis.pcall('XRANGE', prefix .. 'result:' .. call.id, from, '+', 'COUNT', count)
  if is_wrong_type(page) then page = {} end
  for _, entry in ipairs(page) do
    local size = #(entry[2][4] or '')
    bytes = bytes + size
    if #entries == most or bytes > most_bytes then
      more = math.max(1, size)
      break
    end
    entries[#entries + 1] = entry
    from = '(' .. entry[1]
  end
  if #page < count then break end
  count = math.min(2 * count, ${PAGE_COUNT})
end
local attempt = call.terminal and tonumber(string.match(call.terminal, '^%S+ %S+ (%d+)')) or call.attempt
return { 'known', call.head, call.state or 'ended', attempt, call.cancel and 1 or 0, more == 0 and call.terminal and said_end(call) or '', entries, more }
`,
  ),
);

/**
 * Reads a call, and output after a cursor.
 *
 * @param watcher this node, when it wants to be notified for what comes after this reading: nothing falls in between.
 * @param of the caller whose call it must be for that: others' calls are read, and not written to; undefined for anybody's.
 * @param outputBytes the most output that it brings, by default 16 KiB; a piece that is larger is left, and its size is said.
 * @returns nothing when no such call is known.
 */
export async function readCall(
  store: CallStore,
  id: CallId,
  options: {
    readonly cursor?: string;
    readonly watcher?: NodeId;
    readonly of?: CallerName | undefined;
    readonly outputBytes?: number;
  },
): Promise<CallReading | undefined> {
  const keys = store.keyspace.forCall(id);
  if (keys === undefined) return undefined;
  const { cursor = "", watcher = "", of = "", outputBytes = SMALL_OUTPUT_BYTES } = options;
  const args = [id, cursor, watcher, outputBytes === 0 ? 0 : READ_COUNT, outputBytes, of];
  const [kind, head, state, attempt, cancel, terminal, entries, more] = asArray(
    await runConfirmed(store, keys, READ, [keys.prefix, keys.due], args),
  );
  if (asText(kind) === "unknown") return undefined;
  const said = asBuffer(terminal);
  const ending = said.length === 0 ? undefined : parseSaidEnding(said);
  return {
    head: parseHead(asText(head)),
    state: parseState(asText(state)),
    attempt: asNumber(attempt),
    cancelRequested: asNumber(cancel) === 1,
    deltas: asArray(entries)
      .map(toDelta)
      .filter((delta) => delta !== undefined),
    moreBytes: asNumber(more),
    ending,
  };
}

/** The stream's last entry only says that the call has ended: how, is in the record. */
function toDelta(reply: Reply): Delta | undefined {
  const [cursor, fields] = asArray(reply);
  const [field, attempt, , data] = asArray(fields);
  if (asText(field) !== "attempt") return undefined;
  return { cursor: asText(cursor), attempt: asNumber(attempt), data: asBuffer(data) };
}

/** What became of a call that a node waits for. */
export type ProbeAnswer =
  | { readonly kind: "alive" }
  | { readonly kind: "gone" }
  | { readonly kind: "ended"; readonly ending: SaidEnding }
  /** It has ended; how is read by another lookup. */
  | { readonly kind: "untold" };

/** The most bytes of ends that one lookup brings. */
const MAX_PROBED_BYTES = 262_144;

// For nodes that may have missed a notification. How a record looks: see record-lua.ts.
const PROBE = defineScript(
  "PROBE",
  `
-- KEYS    [1] prefix
-- ARGV    ids
-- Returns for each id 1 (lives), 0 (gone), the end, 'large' (a large end), or 2 (an end that has no room in this answer)
local answers, bytes = {}, 0
for i = 1, #ARGV do
  local record = redis.pcall('GETRANGE', KEYS[1] .. 'call:' .. ARGV[i], 0, ${PEEKED_BYTES - 1})
  local line = type(record) == 'string' and string.find(record, '\\n', 1, true)
  if not line and type(record) == 'string' and #record == ${PEEKED_BYTES} then
    record = redis.call('GET', KEYS[1] .. 'call:' .. ARGV[i]) -- its first line alone is longer than this
    line = string.find(record, '\\n', 1, true)
  end
  if line and string.find(record, ${luaLiteral(TERMINAL_LINE)}, line + 1) then
    local size = #record - line
    if size > ${SAID_BYTES} or #record == ${PEEKED_BYTES} then
      answers[i] = 'large'
    elseif bytes + size > ${MAX_PROBED_BYTES} then
      answers[i] = 2
    else
      bytes = bytes + size
      answers[i] = string.sub(record, line + 1)
    end
  else
    -- A damaged record is as good as none.
    answers[i] = line and string.find(record, ${luaLiteral(LIFE_BEGIN)}, line + 1) and 1 or 0
  end
end
return answers
`,
);

/** Looks up whether calls of one shard have ended; the answers are in order. */
export async function probeCalls(store: CallStore, keys: ShardKeys, ids: readonly CallId[]): Promise<ProbeAnswer[]> {
  return asArray(await runConfirmed(store, keys, PROBE, [keys.prefix], ids)).map((answer) => {
    if (Buffer.isBuffer(answer)) return { kind: "ended", ending: parseSaidEnding(answer) };
    if (answer === 2) return { kind: "untold" };
    return { kind: answer === 1 ? "alive" : "gone" };
  });
}
