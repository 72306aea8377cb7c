import { NO_HISTORY_LUA } from "../../redis/history.js";
import { readLua } from "../../redis/lua-file.js";
import { ANSWER_LUA, NOTIFY_LUA } from "../../redis/notify.js";
import { defineScript, type Script, withMetered } from "../../redis/script.js";
import { SAY_ENDS_LUA } from "../../redis/script-meter.js";
import { RELEASE_LUA } from "../call-limits/limits-lua.js";
import { PRESENCE_LUA } from "../presence.js";
import { RECORD_LUA } from "./record-lua.js";

/**
 * Lua that all scripts of calls share, with their records.
 *
 * KEYS[1] prefix, KEYS[2] due.
 *
 * What is the same command for many calls (`looks`, `ended`, `left`, `notifications`) is gathered, and done once when the script is done,
 * notifications last: nothing that Redis can refuse stands between the records and what belongs to them.
 */
const CALL_LUA = [
  readLua(import.meta.url, "call-begin.lua"),
  RECORD_LUA,
  PRESENCE_LUA,
  RELEASE_LUA,
  readLua(import.meta.url, "call.lua"),
].join("\n");

/** How ends.lua says that the node did not ask for ends, and how it says that it did. */
const [NOT_METERED, METERED] = ["local METERED = false", "local METERED = true"];

/**
 * Defines a script of calls: what they share, then its own part, which must return its answer. What it gathered is done after
 * that part.
 */
export function defineCallScript(name: string, ...parts: readonly string[]): Script {
  const script = defineScript(
    name,
    NO_HISTORY_LUA,
    NOTIFY_LUA,
    CALL_LUA,
    "local function run()",
    ...parts,
    "end",
    // What was done before an error stays done, so its waiters must hear of it.
    "local done, answer = pcall(run)",
    "local settled, fault = pcall(settle_up)",
    "if done and not settled then done, answer = false, fault end",
    "notify_all()",
    // As it is: thrown again, Redis's own refusals (READONLY, OOM) could not be distinguished from a fault in the script.
    "if not done then return type(answer) == 'table' and answer or redis.error_reply(answer) end",
    SAY_ENDS_LUA,
    ANSWER_LUA,
  );
  return withMetered(script, (lua) => lua.replace(NOT_METERED, METERED));
}
