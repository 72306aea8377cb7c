/*
 * Where the audit stands in Redis. Each shard has a stream for each day (UTC, by Redis's clock, counted from 1970):
 *
 *   audit:<day>   entries with a field `records` (a line for each record, all that one script wrote), and entries with a field `seal`
 *   audit         hash: a day → the last of its entries that is sealed; `head` → the last seal's number and hash; `begin` → up to where
 *                 records were dropped to make room
 *   audit-turn    string, expires: the node whose turn it is to seal
 *   audit-key     string, in shard 0: the key of the digests, where no key ring is configured, and of page tokens
 *
 * A record's id is `<milliseconds>-<sequence>.<shard>.<line>`: the entry, the shard, and the record's line within the entry.
 */

export const DAY_MS = 86_400_000;
/** The longest that records are kept, in milliseconds, whatever is configured. */
export const LONGEST_RETENTION_MS = 400 * DAY_MS;
/** The field of entries that hold records. */
export const RECORDS_FIELD = "records";
/** The field of entries that hold a seal. */
export const SEAL_FIELD = "seal";
