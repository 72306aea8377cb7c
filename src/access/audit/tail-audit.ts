import { setTimeout as delay } from "node:timers/promises";
import type { PlacedRecord } from "../../store/audit/audit-record.js";
import { DAY_MS } from "../../store/audit/audit-stream.js";
import { readAudit } from "../../store/audit/read-audit.js";
import { type AuditFilter, type AuditReaderParts, entryBefore, placeOf, readMatching } from "./query-audit.js";

/** How often news are looked for, in milliseconds. */
const INTERVAL_MS = 500;
/** How many entries are read at once of a shard. */
const BATCH = 50;
/** From how long before it was asked for, in milliseconds: a node knows Redis's time about. */
const BACK_MS = 50;

/**
 * Follows the audit from now on: records as they are written, in each shard in order. What its reader does not take is not read.
 *
 * @param nowMs Unix milliseconds by Redis's clock.
 * @throws ToolgateError STORE_UNAVAILABLE; the signal's reason
 */
export async function* tailAudit(
  { redis, shards, slice }: AuditReaderParts,
  filter: AuditFilter,
  nowMs: () => number,
  signal: AbortSignal,
): AsyncGenerator<readonly PlacedRecord[]> {
  const began = entryBefore(`${Math.max(0, Math.floor(nowMs()) - BACK_MS)}-0`);
  const cursors = shards.map((keys) => ({ keys, after: began, day: dayOf(began) }));
  for (;;) {
    for (const cursor of cursors) {
      for (;;) {
        signal.throwIfAborted();
        const page = await readAudit(redis, cursor.keys, cursor.day, cursor.after, "+", BATCH);
        const records: PlacedRecord[] = [];
        for (const { id, kind, text } of page) {
          cursor.after = id;
          if (kind !== "records") continue;
          for (const [line, said] of text.split("\n").entries()) {
            if (slice.over()) await slice.next();
            const record = readMatching(said, filter);
            if (record !== undefined)
              records.push({ ...record, ...placeOf({ entry: id, shard: cursor.keys.shard, line }) });
          }
        }
        if (records.length > 0) yield records;
        if (page.length === BATCH) continue;
        // The next day, when it has begun; nothing is written to the one before any more by then.
        if (dayOf(`${Math.floor(nowMs() - INTERVAL_MS)}-0`) <= cursor.day) break;
        cursor.day++;
      }
    }
    await delay(INTERVAL_MS, undefined, { signal, ref: false });
  }
}

function dayOf(entry: string): number {
  return Math.floor(Number(entry.slice(0, entry.indexOf("-"))) / DAY_MS);
}
