import { readLua } from "../redis/lua-file.js";
/**
 * Lua that sets aside what is of another type than the key is for, so that it keeps no script from what is whole. Its user defines
 * `prefix`.
 *
 * What a shard's own keys lose comes back: toolsets when their providers renew and register anew, health from leases and pongs,
 * `epochs` from Redis's clock, which no epoch is ever below; readers of `changes` read everything again.
 */
export const MEND_LUA = readLua(import.meta.url, "mend.lua");
