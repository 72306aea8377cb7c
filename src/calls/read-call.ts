import type { CallId } from "../identity/call-id.js";
import type { NodeId } from "../identity/names.js";
import { runConfirmed } from "../redis/commits.js";
import type { ShardKeys } from "../redis/keys.js";
import { asArray, asBuffer, asNumber, asText, defineScript, evenWhenFull, type Reply } from "../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import { type CallHead, type Ending, parseEnding, parseHead } from "./call-record.js";
import type { CallStore } from "./call-store.js";

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
  readonly state: "queued" | "claimed" | "ended";
  readonly attempt: number;
  readonly cancelRequested: boolean;
  readonly deltas: readonly Delta[];
  /** There may be more output than was read. */
  readonly more: boolean;
  /** Comes with the last of the output. */
  readonly ending: Ending | undefined;
}

/** The most output that one reading brings, in pieces and in bytes: it becomes one message, and waits for readers that are slow. */
const READ_COUNT = 256;
const READ_BYTES = 262_144;
/** How many pieces are looked at once. */
const PAGE_COUNT = 32;

// ARGV[1] id, [2] cursor, [3] a node that wants to hear of the call from now on or nothing, [4] the most pieces.
const READ = evenWhenFull(
  defineCallScript(
    "READ",
    `
local call = load_call(ARGV[1])
if not call then return { 'unknown' } end
local node = ARGV[3]
if node ~= '' and not call.terminal then watch(call, node) end
local entries, bytes, more, from = {}, 0, 0, ARGV[2] == '' and '-' or '(' .. ARGV[2]
local most = tonumber(ARGV[4])
while most > 0 and more == 0 do
  local page = redis.pcall('XRANGE', prefix .. 'result:' .. call.id, from, '+', 'COUNT', ${PAGE_COUNT})
  if is_wrong_type(page) then page = {} end
  for _, entry in ipairs(page) do
    bytes = bytes + #(entry[2][4] or '')
    -- A piece that is larger than all that comes alone.
    if #entries == most or (#entries > 0 and bytes > ${READ_BYTES}) then
      more = 1
      break
    end
    entries[#entries + 1] = entry
    from = '(' .. entry[1]
  end
  if #page < ${PAGE_COUNT} then break end
end
return { 'known', call.head, call.state or 'ended', call.attempt, call.cancel and 1 or 0, more == 0 and call.terminal or '', entries, more }
`,
  ),
);

/**
 * Reads a call, and output after a cursor.
 *
 * @param watcher this node, when it wants to be rung for what comes after this reading: nothing falls in between.
 * @returns nothing when no such call is known.
 */
export async function readCall(
  store: CallStore,
  id: CallId,
  options: { readonly cursor?: string; readonly watcher?: NodeId; readonly output?: boolean },
): Promise<CallReading | undefined> {
  const keys = store.keyspace.forCall(id);
  if (keys === undefined) return undefined;
  const args = [id, options.cursor ?? "", options.watcher ?? "", options.output === false ? 0 : READ_COUNT];
  const [kind, head, state, attempt, cancel, terminal, entries, more] = asArray(
    await runConfirmed(store, keys, READ, [keys.prefix, keys.due], args),
  );
  if (asText(kind) === "unknown") return undefined;
  const ending = asBuffer(terminal);
  const parsed = ending.length === 0 ? undefined : parseEnding(ending);
  return {
    head: parseHead(asText(head)),
    state: asText(state) as CallReading["state"], // written by the calls' scripts only
    attempt: parsed?.attempt ?? asNumber(attempt),
    cancelRequested: asNumber(cancel) === 1,
    deltas: asArray(entries)
      .map(toDelta)
      .filter((delta) => delta !== undefined),
    more: asNumber(more) === 1,
    ending: parsed,
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
  | { readonly kind: "ended"; readonly ending: Ending };

/** About so many bytes of ends are brought by one lookup at most, or one end. */
const MAX_PROBED_BYTES = 8_388_608;

// Ids. For nodes whose doorbell may have been lost. How a record looks: see record-lua.ts.
const PROBE = defineScript(
  "PROBE",
  `
local answers, bytes = {}, 0
for i = 1, #ARGV do
  local record = redis.pcall('GET', KEYS[1] .. 'call:' .. ARGV[i])
  local line = type(record) == 'string' and string.find(record, '\\n', 1, true)
  if line and string.find(record, '^[%l_]+ %S+ %d+ %d+\\n', line + 1) then
    local terminal = string.sub(record, line + 1)
    bytes = bytes + #terminal
    -- Enough for one answer; the rest is told at the next lookup.
    answers[i] = bytes > ${MAX_PROBED_BYTES} and bytes > #terminal and 1 or terminal
  else
    -- A damaged record is as good as none.
    answers[i] = line and string.find(record, '^%l+ %d+ %d+%-%d+ ', line + 1) and 1 or 0
  end
end
return answers
`,
);

/** Looks up whether calls of one shard have ended; the answers are in order. */
export async function probeCalls(store: CallStore, keys: ShardKeys, ids: readonly CallId[]): Promise<ProbeAnswer[]> {
  return asArray(await runConfirmed(store, keys, PROBE, [keys.prefix], ids)).map((answer) => {
    if (Buffer.isBuffer(answer)) return { kind: "ended", ending: parseEnding(answer) };
    return { kind: answer === 1 ? "alive" : "gone" };
  });
}
