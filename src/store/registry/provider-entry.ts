import { readLua } from "../../redis/lua-file.js";
/**
 * Lua that reads and writes a provider's entry, a field of `providers:<toolset>:<epoch>`: "1 <incarnation> <token hash> <room> <stage>
 * <session>". The first word is the number of the format; what a later version appends is kept. The stages:
 *
 * - `0`: gets calls: its session has ponged, and has not missed too many pings since
 * - `1`: drains, and gets none any more
 * - `2`: gets none until it pongs: it has not yet, or missed too many pings
 * - `3`: got calls through another session, and gets some again when this one has ponged; until then its room counts, so that a
 *   provider that moves from node to node does not make its epoch unhealthy
 *
 * A provider in a stage that is not known gets none, and its room does not count.
 */
export const PROVIDER_ENTRY_LUA = readLua(import.meta.url, "provider-entry.lua");
