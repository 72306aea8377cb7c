import type { CallId } from "../../identity/call-id.js";
import type { ShardKeys } from "../../redis/keys.js";
import { readLua } from "../../redis/lua-file.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { type CallHead, type EndKind, endingOf, parseHead } from "./call-record.js";

/*
 * The calls of a shard that have ended, for lists: a record is found by its id alone, and expires. Two streams, so that many usual ends do
 * not drive out those that somebody looks for:
 *
 *   ended              calls that ended with a result
 *   ended-remarkable   those that ended otherwise, or took SLOW_CALL_MS and more from their admission on
 *
 * One execution of a script adds one entry to each, at most, with a field `ends`: a line of format and how many ends of that execution are
 * not in either; then a line for each of ENDS_PER_ENTRY ends at most: id, kind, reason, attempt, when it was claimed first, when it ended,
 * node, provider and incarnation, head. Where an execution ends more calls than that, usual ones are only noted by one in BUSY_SHARE, so
 * what this costs does not grow with the load. Both streams are bounded by count, and expire a week
 * after their latest entry.
 */

/** From how long on a call is remarkable for that alone, in milliseconds. */
export const SLOW_CALL_MS = 1_000;
/** The most entries of each stream, about. An entry has 1 to 1.5 KiB at most. */
const MAX_ENTRIES = 5_000;
const ENDS_PER_ENTRY = 4;
const BUSY_SHARE = 8;
/** How long a stream stays after its latest entry, in milliseconds: a week. */
const ENDS_KEPT_MS = 604_800_000;
const FORMAT = "1";

/** The streams of a shard, by name. */
export const ENDED_STREAMS = ["ended", "ended-remarkable"] as const;
export type EndedStream = (typeof ENDED_STREAMS)[number];

/**
 * Lua that notes ends, in the execution that ends the calls. Needs `prefix`, `now`, `is_wrong_type` and `keep_aside`; a script that
 * notes ends must call `write_listed_ends` at its end.
 */
export const ENDED_CALLS_LUA = readLua(import.meta.url, "ended-calls.lua", {
  ENDED: "ended" satisfies EndedStream,
  ENDED_REMARKABLY: "ended-remarkable" satisfies EndedStream,
  SLOW_CALL_MS,
  MAX_ENTRIES,
  ENDS_PER_ENTRY,
  BUSY_SHARE,
  ENDS_KEPT_MS,
});

/** A call that has ended. Times are Unix milliseconds by Redis's clock. */
export interface EndedCall {
  readonly id: CallId;
  readonly head: CallHead;
  readonly kind: EndKind;
  /** From the error table or, with `tool_error`, the tool's own; empty with `result`. */
  readonly reason: string;
  readonly attempt: number;
  /** When its first attempt began; 0 when there was none. */
  readonly claimedMs: number;
  readonly endedMs: number;
  /** The node and the provider that had it last; empty where none had. */
  readonly node: string;
  readonly provider: string;
}

/** What one execution noted. */
export interface EndedEntry {
  /** When, by the stream: entries are in this order. */
  readonly atMs: number;
  readonly calls: readonly EndedCall[];
  /** How many calls it ended besides. */
  readonly passedOver: number;
}

const READ_ENDED = evenWhenFull(
  defineScript(
    "READ_ENDED",
    WRONG_TYPE_LUA,
    `
-- KEYS    [1] a stream of calls that have ended
-- ARGV    [1] the latest entry, or +; [2] the most entries
-- Returns for each entry, the latest first, its id and what it says
local found, said = redis.pcall('XREVRANGE', KEYS[1], ARGV[1], '-', 'COUNT', ARGV[2]), {}
if is_wrong_type(found) then return said end
for _, entry in ipairs(found) do
  said[#said + 1] = entry[1]
  said[#said + 1] = entry[2][2]
end
return said
`,
  ),
);

/**
 * Reads calls of a shard that have ended, the latest first.
 *
 * @param until the latest entry: an id as `<milliseconds>-<sequence>`, with `(` before it where it is not wanted itself, the
 *   milliseconds alone for the last of them, or `+` for the very last.
 * @param count the most entries. Fewer: there are no more.
 * @returns the entries, with their ids; what is damaged has no calls
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function readEnded(
  redis: RedisClient,
  keys: ShardKeys,
  stream: EndedStream,
  until: string,
  count: number,
): Promise<readonly (EndedEntry & { readonly id: string })[]> {
  const reply = asArray(await runScript(redis, READ_ENDED, [keys.ended(stream)], [until, count])).map(asText);
  const entries = [];
  for (let at = 0; at + 1 < reply.length; at += 2) {
    const id = reply[at] ?? "";
    entries.push({ id, atMs: Number.parseInt(id, 10), ...readEntry(reply[at + 1] ?? "") });
  }
  return entries;
}

function readEntry(text: string): Pick<EndedEntry, "calls" | "passedOver"> {
  const [begin = "", ...lines] = text.split("\n");
  const [format, passedOver] = begin.split(" ");
  if (format !== FORMAT) return { calls: [], passedOver: lines.length };
  return { calls: lines.map(parseEndLine), passedOver: Number(passedOver) || 0 };
}

/** Reads a call's end as `end_line` wrote it; the casts only give the parts their names. */
export function parseEndLine(line: string): EndedCall {
  const [id, kind, reason, attempt, claimed, ended, node, owner = "", ...head] = line.split(" ");
  const ending = endingOf([kind, reason, attempt, ended], NO_BODY);
  return {
    id: id as CallId,
    head: parseHead(head.join(" ")),
    kind: ending.kind,
    reason: ending.reason,
    attempt: ending.attempt,
    claimedMs: Number(claimed),
    endedMs: ending.endedAtMs,
    node: node === "-" ? "" : (node ?? ""),
    provider: owner === "-" ? "" : owner.replace(/[/,].*$/, ""),
  };
}

const NO_BODY: Buffer = Buffer.alloc(0);
