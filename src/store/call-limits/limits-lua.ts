import { readLua } from "../../redis/lua-file.js";

/*
 * What limits count stands in Redis by a hash of whose limit it is, and for whom it counts: its subject. Those of one toolset or tool are
 * in its shard; those of a caller, a tenant or a run in the shard of the caller's tenant.
 *
 *   rate:<subject>     string: when a caller that kept to the rate would have made the calls so far, in Unix microseconds (GCRA's
 *                      "theoretical arrival time"); expires when that has come
 *   running:<subject>  sorted set: ids of calls that have not ended, by their deadlines; a call whose end was missed leaves it a second
 *                      later
 *   spent:<subject>    string: how many calls were admitted; expires with the day, or a day after the run's last call
 *   failing:<subject>  string: format, digest of the failure, how many times in a row; expires a day after the last time
 *
 * A limit says nothing of calls that it does not let in: all limits of a call are looked at before any of them counts it. Counting
 * happens in the execution that admits the call. What is to be let go of when the call ends is a word of its record's second line
 * while it lives: `limits=`, then letters and subjects with commas between them: `r` for a set that it leaves, `f` for failures in a row.
 */

const DAY_MS = 86_400_000;
/** How long after its deadline a call can be unfinished, in milliseconds; see settle.ts. */
const RUNNING_GRACE_MS = 1_000;
/** How much longer than its last call such a set is kept, in milliseconds. */
const RUNNING_SPARE_MS = 60_000;
/** When to try again where unfinished calls are too many: nobody knows when one ends. In milliseconds. */
const RUNNING_RETRY_MS = 250;
/** How long a run is remembered after its last call, in milliseconds. */
const RUN_TTL_MS = DAY_MS;

/** Lua that decides by limits and counts, for scripts that admit calls. `read_limits` gives them what they need; `write` is to be called at the end. */
export const LIMITS_LUA = readLua(import.meta.url, "limits.lua", {
  DAY_MS,
  RUNNING_GRACE_MS,
  RUNNING_RETRY_MS,
  RUNNING_SPARE_MS,
  RUN_TTL_MS,
});

/** Lua that lets go of what a call holds, for scripts that end calls. */
export const RELEASE_LUA = readLua(import.meta.url, "release.lua", { RUN_TTL_MS });
