import { readLua } from "../../redis/lua-file.js";
/** What follows a name in the field of `epochs` that marks its toolset as gone. */
export const GONE = "@gone";

/**
 * Lua that reads and writes such a mark: "1 <since> <last epoch>". The first word is the number of the format; since when the toolset
 * has been gone is in Unix milliseconds by Redis's clock.
 */
export const GONE_MARK_LUA = readLua(import.meta.url, "gone-mark.lua");
