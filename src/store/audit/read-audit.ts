import type { ShardKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { asArray, asText, defineScript, evenWhenFull, runScript } from "../../redis/script.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { RECORDS_FIELD, SEAL_FIELD } from "./audit-stream.js";

/** One entry of a shard's stream: records, a line each, or a seal; `strange` is what no node wrote. */
export interface AuditEntry {
  /** `<milliseconds>-<sequence>` */
  readonly id: string;
  readonly kind: "records" | "seal" | "strange";
  readonly text: string;
}

/** What a shard's audit holds. */
export interface AuditState {
  /** The days that there are, the earliest first, each with the last of its entries that is sealed. */
  readonly days: readonly { readonly day: number; readonly sealedTo: string }[];
  /** The last seal's number and hash; number 0 where there is none. */
  readonly head: { readonly number: number; readonly hash: string };
  /** The last entry that was dropped to make room: there may be none up to it. */
  readonly begin: string;
}

const AUDIT_STATE = evenWhenFull(
  defineScript(
    "AUDIT_STATE",
    WRONG_TYPE_LUA,
    `
-- KEYS    [1] audit
-- ARGV    none
-- Returns its fields and their values in turn
local found, cursor = {}, '0'
repeat
  local page = redis.pcall('HSCAN', KEYS[1], cursor, 'COUNT', 1000)
  if is_wrong_type(page) then return {} end
  cursor = page[1]
  for _, text in ipairs(page[2]) do found[#found + 1] = text end
until cursor == '0'
return found
`,
  ),
);

/** How much one execution reads, about: entries are of one to a hundred records. */
const READ_AUDIT = evenWhenFull(
  defineScript(
    "READ_AUDIT",
    WRONG_TYPE_LUA,
    `
-- KEYS    [1] the stream of a day
-- ARGV    [1] the entry behind which to begin, [2] the last entry, or +; [3] the most entries
-- Returns for each entry its id, its first field and what that holds
local found, said = redis.pcall('XRANGE', KEYS[1], '(' .. ARGV[1], ARGV[2], 'COUNT', ARGV[3]), {}
if is_wrong_type(found) then return said end
for _, entry in ipairs(found) do
  said[#said + 1] = entry[1]
  said[#said + 1] = #entry[2] == 2 and entry[2][1] or 'strange'
  said[#said + 1] = entry[2][2]
end
return said
`,
  ),
);

/** What a shard's audit holds. @throws ToolgateError STORE_UNAVAILABLE */
export async function readAuditState(redis: RedisClient, keys: ShardKeys): Promise<AuditState> {
  const reply = asArray(await runScript(redis, AUDIT_STATE, [keys.audit], [])).map(asText);
  const days: { day: number; sealedTo: string }[] = [];
  let head = { number: 0, hash: "" };
  let begin = FIRST;
  for (let at = 0; at + 1 < reply.length; at += 2) {
    const [field = "", value = ""] = [reply[at], reply[at + 1]];
    if (/^[0-9]{1,8}$/.test(field)) days.push({ day: Number(field), sealedTo: ENTRY_ID.test(value) ? value : FIRST });
    else if (field === "head") {
      const [, number, hash] = /^1 ([0-9]{1,15}) (\S+)/.exec(value) ?? [];
      if (number !== undefined && hash !== undefined) head = { number: Number(number), hash };
    } else if (field === "begin" && ENTRY_ID.test(value)) begin = value;
  }
  days.sort((a, b) => a.day - b.day);
  return { days, head, begin };
}

/** The id of no entry: all come after it. */
export const FIRST = "0-0";
const ENTRY_ID = /^[0-9]{1,15}-[0-9]{1,15}$/;

/**
 * Reads entries of a shard's day, in order.
 *
 * @param after the entry behind which to begin.
 * @param until the last entry, or `+`.
 * @throws ToolgateError STORE_UNAVAILABLE
 */
export async function readAudit(
  redis: RedisClient,
  keys: ShardKeys,
  day: number,
  after: string,
  until: string,
  count: number,
): Promise<readonly AuditEntry[]> {
  const reply = asArray(await runScript(redis, READ_AUDIT, [keys.auditDay(day)], [after, until, count]));
  const entries: AuditEntry[] = [];
  for (let at = 0; at + 2 < reply.length; at += 3) {
    const field = asText(reply[at + 1]);
    const kind = field === RECORDS_FIELD ? "records" : field === SEAL_FIELD ? "seal" : "strange";
    entries.push({ id: asText(reply[at]), kind, text: asText(reply[at + 2]) });
  }
  return entries;
}

/** Whether one entry comes before another. */
export function compareEntries(one: string, other: string): number {
  const [ms = 0, sequence = 0] = one.split("-").map(Number);
  const [otherMs = 0, otherSequence = 0] = other.split("-").map(Number);
  return ms - otherMs || sequence - otherSequence;
}
