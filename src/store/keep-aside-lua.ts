import { readLua } from "../redis/lua-file.js";

/** Lua that keeps aside what stands in the place of something else. Needs `prefix`. */
export const KEEP_ASIDE_LUA = readLua(import.meta.url, "keep-aside.lua");
