import { readLua } from "../redis/lua-file.js";
/** Lua: distinguishes what is damaged from what is denied. */
export const WRONG_TYPE_LUA = readLua(import.meta.url, "wrong-type.lua");
