import type { TimeSlice } from "../../async/time-slice.js";
import type { TenantName } from "../../identity/tenant.js";
import type { ShardKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { type AuditRecord, type PlacedRecord, parseAuditRecord } from "../../store/audit/audit-record.js";
import { DAY_MS } from "../../store/audit/audit-stream.js";
import { type AuditEntry, compareEntries, readAudit, readAuditState } from "../../store/audit/read-audit.js";

/** Which records are asked for; what is empty is not looked at. */
export interface AuditFilter {
  /** Records of other tenants are never shown. */
  readonly tenant: TenantName;
  /** The id of a principal, or its tenant and id as `tenant/id`. */
  readonly principal: string;
  readonly event: string;
  /** Any of them; of toolsets as they are kept, `acme/files`. */
  readonly toolsets: readonly string[];
  readonly tool: string;
  readonly callId: string;
  readonly outcome: string;
}

/** Where a reading stands: entry, shard and line of the last record that was looked at. */
export interface AuditPosition {
  readonly entry: string;
  readonly shard: number;
  readonly line: number;
}

/** Records in the order of their times, over all shards. */
export interface AuditPage {
  readonly records: readonly PlacedRecord[];
  /** Where to go on; undefined when that was all. */
  readonly next: AuditPosition | undefined;
}

export interface AuditReaderParts {
  readonly redis: RedisClient;
  readonly shards: readonly ShardKeys[];
  readonly slice: TimeSlice;
}

/** How many entries are read at once of a shard. */
const BATCH = 100;
/** How many records one page looks at, at most: a page may be empty, and not the last. */
const MAX_LOOKED = 50_000;

/**
 * Reads a page of records, the oldest first.
 *
 * @param fromMs,untilMs in Unix milliseconds, both included.
 * @param size the most records.
 * @throws ToolgateError STORE_UNAVAILABLE; the signal's reason
 */
export async function queryAudit(
  { redis, shards, slice }: AuditReaderParts,
  filter: AuditFilter,
  fromMs: number,
  untilMs: number,
  after: AuditPosition | undefined,
  size: number,
  signal: AbortSignal,
): Promise<AuditPage> {
  const begin = after?.entry ?? `${Math.max(0, fromMs)}-0`;
  const readers = await Promise.all(
    shards.map(async (keys) => {
      // Of a shard that comes after the last one, its entry of the same time has not been looked at.
      const from = after !== undefined && keys.shard < after.shard ? begin : entryBefore(begin);
      const reader = new ShardReader(redis, keys, from, `${untilMs}`);
      await reader.start();
      return reader;
    }),
  );
  const records: PlacedRecord[] = [];
  let at = after;
  for (let looked = 0; ; ) {
    signal.throwIfAborted();
    const reader = earliest(readers);
    const entry = reader?.next;
    if (reader === undefined || entry === undefined) return { records, next: undefined };
    const lines = entry.kind === "records" ? entry.text.split("\n") : [];
    const first = at?.entry === entry.id && at.shard === reader.shard ? at.line + 1 : 0;
    for (const [line, text] of lines.entries()) {
      if (line < first) continue;
      if (records.length === size || looked >= MAX_LOOKED) return { records, next: at };
      if (slice.over()) await slice.next();
      looked++;
      at = { entry: entry.id, shard: reader.shard, line };
      const record = readMatching(text, filter);
      if (record !== undefined) records.push({ ...record, ...placeOf(at) });
    }
    await reader.advance();
  }
}

/** The id and the time of a record at this place. */
export function placeOf({ entry, shard, line }: AuditPosition): Pick<PlacedRecord, "id" | "atMs"> {
  return { id: `${entry}.${shard}.${line}`, atMs: Number(entry.slice(0, entry.indexOf("-"))) };
}

/** A line's record, where it is one that is asked for. */
export function readMatching(line: string, filter: AuditFilter): AuditRecord | undefined {
  // Of others than the tenant's, which are most, no more is read than the third word.
  const third = line.indexOf(" ", line.indexOf(" ") + 1);
  if (third < 0 || !line.startsWith(` ${filter.tenant} `, third)) return undefined;
  const record = parseAuditRecord(line);
  if (record === undefined || record.tenant !== filter.tenant) return undefined;
  const { principal, event, toolsets, tool, callId, outcome } = filter;
  const fits =
    (event === "" || event === record.event) &&
    (toolsets.length === 0 || toolsets.includes(record.toolset)) &&
    (tool === "" || tool === record.tool) &&
    (callId === "" || callId === record.callId) &&
    (outcome === "" || outcome === record.outcome) &&
    (principal === "" ||
      principal === record.principal.id ||
      principal === `${record.principal.tenant}/${record.principal.id}`);
  return fits ? record : undefined;
}

/** The shard with the earliest entry; of equals the first. */
function earliest(readers: readonly ShardReader[]): ShardReader | undefined {
  let found: ShardReader | undefined;
  for (const reader of readers) {
    if (reader.next === undefined) continue;
    if (found?.next === undefined || compareEntries(reader.next.id, found.next.id) < 0) found = reader;
  }
  return found;
}

/** The largest id that is less than another. */
export function entryBefore(id: string): string {
  const [ms = 0, sequence = 0] = id.split("-").map(Number);
  return sequence > 0 ? `${ms}-${sequence - 1}` : `${Math.max(0, ms - 1)}-${ms === 0 ? 0 : LAST_SEQUENCE}`;
}
/** The largest sequence number that is a number of JavaScript's, too. */
const LAST_SEQUENCE = Number.MAX_SAFE_INTEGER;

/** Reads a shard's entries in order, day by day. */
class ShardReader {
  readonly shard: number;
  readonly #redis: RedisClient;
  readonly #keys: ShardKeys;
  readonly #until: string;
  #after: string;
  #days: number[] = [];
  #entries: AuditEntry[] = [];

  constructor(redis: RedisClient, keys: ShardKeys, after: string, until: string) {
    this.shard = keys.shard;
    this.#redis = redis;
    this.#keys = keys;
    this.#after = after;
    this.#until = until;
  }

  /** The entry that it stands at; undefined at the end. */
  get next(): AuditEntry | undefined {
    return this.#entries[0];
  }

  async start(): Promise<void> {
    const from = Math.floor(Number(this.#after.slice(0, this.#after.indexOf("-"))) / DAY_MS);
    const { days } = await readAuditState(this.#redis, this.#keys);
    this.#days = days.map(({ day }) => day).filter((day) => day >= from);
    await this.#fill();
  }

  async advance(): Promise<void> {
    this.#entries.shift();
    if (this.#entries.length === 0) await this.#fill();
  }

  async #fill(): Promise<void> {
    for (let day = this.#days[0]; day !== undefined; day = this.#days[0]) {
      this.#entries = [...(await readAudit(this.#redis, this.#keys, day, this.#after, this.#until, BATCH))];
      const last = this.#entries.at(-1);
      if (last !== undefined) {
        this.#after = last.id;
        return;
      }
      this.#days.shift();
    }
  }
}
