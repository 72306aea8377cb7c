import { readLua } from "../../redis/lua-file.js";
import { DEADLINES_WHOLE } from "./deadlines-whole.js";
import { STRAYS } from "./strays.js";

/** How long the node that looks through the lines may let nothing be heard of it, in milliseconds; then another one begins anew. */
const TURN_MS = 1_000;
/** How long the lines are left alone after a look through them, in milliseconds: so much at least, and at most. */
const SHORTEST_REST_MS = 5_000;
const LONGEST_REST_MS = 60_000;
/** Within these bounds, a multiple of what the look took: looks take a twentieth of Redis's time, however long the lines are. */
const REST_FOR_TIME = 20;

/** What `search` says when the lines rest. */
export const RESTS = "rests";

/**
 * Lua that lets one node at a time look through the waiting lines of a shard (see restore-deadlines.ts), for the scripts of calls.
 *
 * All nodes learn at the same time that a record was lost, and one look serves them all. So SETTLE, which they all run, gives it to the
 * first that may: `search` then says since when that one looks. It is heard of with each step; a node that is lost on the way is
 * followed by another. When it is done, `search` says that the lines rest: records that are lost meanwhile are looked for later, all
 * at once. Deadlines that are lost are looked for at once.
 */
export const LINE_SEARCH_LUA = readLua(import.meta.url, "line-search.lua", {
  DEADLINES_WHOLE,
  STRAYS,
  LONGEST_REST_MS,
  RESTS,
  TURN_MS,
  REST_FOR_TIME,
  SHORTEST_REST_MS,
});
