import { readLua } from "../../redis/lua-file.js";
import { PROVIDER_ENTRY_LUA } from "../registry/provider-entry.js";

/**
 * One execution claims no more calls once their payloads have this many bytes; those of as many calls as are read at once may come on
 * top. What it claims goes out in one turn, and a provider's session has a budget for what is not read yet.
 */
export const MAX_TAKEN_BYTES = 4_194_304;
/** The most entries that one execution looks at: a consumer group that was lost finds all claimed calls again. */
export const MAX_LOOKED = 512;
/** How many entries are read at once. */
const READ_COUNT = 8;

/**
 * Lua that claims calls for providers, and brings them what was claimed; for the scripts of calls (call-lua.ts).
 *
 * Its user defines `lease_of`, the claim lease by delivery in milliseconds, and `node`, which delivers.
 */
export const TAKE_LUA =
  PROVIDER_ENTRY_LUA + readLua(import.meta.url, "take.lua", { MAX_TAKEN_BYTES, MAX_LOOKED, READ_COUNT });
