import { readLua } from "../redis/lua-file.js";
/**
 * How long no node need be heard of in a shard for Redis to count as having been away, in milliseconds. Each node is heard of every
 * 200 ms or so; see settler.ts.
 */
export const AWAY_AFTER_MS = 1_000;
/** How old the note that a node was there may get before it is written again, in milliseconds. */
const NOTED_EVERY_MS = 100;
/** Longer than any setting has an absence heeded, in milliseconds: what says more was written by others. */
const LONGEST_HOLD_MS = 7 * 86_400_000;

/**
 * Lua that distinguishes an outage of Redis from lost providers, for scripts that judge leases, claims and health. They have `prefix`,
 * `now` in milliseconds, and what record-lua.ts or epoch-lua.ts begin with.
 *
 * Redis's clock goes on while no node can reach it: while it stands still, restarts, fails over, or the network is gone. What nodes
 * keep alive would all end then, at once, and by no fault of theirs. So each node notes in a shard, regularly, that it is there
 * (`note_presence`, by SETTLE). Where no note came for a while, none could renew anything: an absence. One node that is cut off is
 * none, for the others go on noting. The first note after an absence writes it down, so that every node heeds it:
 *
 *   seen      when a node was there last
 *   from      when a node had been there last before the latest absence
 *   began     when a node had been there last before the latest absence itself
 *   returned  when the first came back
 *   holds     until when leases and health that the absence kept from being renewed are held to be as they were: `lease_time`
 *   there     how long nodes had been there between the absences that are taken for one, in milliseconds
 *
 * Scripts that come before that first note see from `seen` that there is an absence, and write nothing. A claim that had not ended
 * when the absence began lasts as if it had been extended at its end: `claim_end`. Deadlines of calls are not put off; the end of a call
 * whose deadline passed meanwhile waits a moment for its result, once: `put_off`.
 *
 * An absence while one before is heeded still, begins with that one: leases that were not renewed in between count from there. That
 * goes on until nodes were there in between for as long as an absence is heeded: a node that has not come back by then is lost, however
 * often Redis goes away.
 */
export const PRESENCE_LUA = readLua(import.meta.url, "presence.lua", { LONGEST_HOLD_MS, AWAY_AFTER_MS });

/** Lua, on top of that: what SETTLE does. */
export const NOTE_PRESENCE_LUA = readLua(import.meta.url, "note-presence.lua", { NOTED_EVERY_MS });
