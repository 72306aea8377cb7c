import { readLua } from "../../redis/lua-file.js";
import { ANSWER_LUA, NOTIFY_LUA } from "../../redis/notify.js";
import { defineScript, type Script } from "../../redis/script.js";
import { MEND_LUA } from "../mend-lua.js";
import { PRESENCE_LUA } from "../presence.js";
import { WRONG_TYPE_LUA } from "../wrong-type-lua.js";
import { HEALTH_ENTRY_LUA } from "./health-entry.js";
import { PROVIDER_ENTRY_LUA } from "./provider-entry.js";

/**
 * Lua that all scripts of the registry share.
 *
 * KEYS[1] prefix, KEYS[2] toolsets, KEYS[3] health, KEYS[4] changes; ARGV[1] how old a pong may be, in milliseconds.
 *
 * A toolset's record is JSON with a generation: see toolset-record.ts. An epoch's health and a provider's entry: see health-entry.ts and
 * provider-entry.ts.
 */
const EPOCH_LUA = [
  readLua(import.meta.url, "registry-begin.lua"),
  WRONG_TYPE_LUA,
  HEALTH_ENTRY_LUA,
  PROVIDER_ENTRY_LUA,
  MEND_LUA,
  PRESENCE_LUA,
  readLua(import.meta.url, "registry.lua"),
].join("\n");

/**
 * Defines a script of the registry: what they share, what some share, then its own part, which must return its answer. It notifies
 * when that part is done.
 */
export function defineRegistryScript(name: string, ...parts: readonly string[]): Script {
  const [decide = "", ...shared] = [...parts].reverse();
  return defineScript(
    name,
    NOTIFY_LUA,
    EPOCH_LUA,
    ...shared.reverse(),
    "local function decide()",
    decide,
    "end",
    "local answer = decide()",
    "if latest then publish(prefix .. 'changed', latest) end",
    "for _, work in ipairs(works) do publish(work[1], work[2]) end",
    ANSWER_LUA,
  );
}
