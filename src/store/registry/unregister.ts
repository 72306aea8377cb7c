import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Epoch, ToolsetName } from "../../identity/names.js";
import { plainName } from "../../identity/toolset-name.js";
import { readLua } from "../../redis/lua-file.js";
import { asText, evenWhenFull } from "../../redis/script.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { type RegistryStore, runRegistryScript } from "./registry-store.js";

// Shared by UNREGISTER and SWEEP: forgets epochs. A requests stream that still holds calls stays until they have ended;
// it expires by itself if it is never emptied.
export const FORGET_LUA = readLua(import.meta.url, "forget.lua");

const UNREGISTER = evenWhenFull(
  defineRegistryScript(
    "UNREGISTER",
    FORGET_LUA,
    `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; [2] name, [3] active epoch, [4] owner, or nothing where it may be anybody, [5] how long calls in flight may still
--         need their stream
-- Returns 'unregistered', 'unknown', 'not_owner', or the active epoch where it is another one; 0 without one
local record = load_record(ARGV[2])
if not record then
  local damaged = redis.call('HGET', toolsets, ARGV[2])
  if not damaged then return 'unknown' end
  -- No epoch can be read from it, so any will do. Its owner is still looked for.
  local owner = string.match(string.gsub(damaged, '\\\\/', '/'), '"owner":"([^"]*)"') -- cjson escapes the slash
  if owner and ARGV[4] ~= '' and owner ~= ARGV[4] then return 'not_owner' end
  redis.call('HDEL', toolsets, ARGV[2])
  forget_every_epoch(ARGV[2], find_every_epoch(ARGV[2]))
  announce('unregistered', ARGV[2], ARGV[3])
  return 'unregistered'
end
if ARGV[4] ~= '' and record.owner ~= ARGV[4] then return 'not_owner' end
local active = find_state(record, 'active')
if not active or active.epoch ~= tonumber(ARGV[3]) then return active and tostring(string.format('%.0f', active.epoch)) or '0' end
forget_toolset(record, tonumber(ARGV[5]))
return 'unregistered'
`,
  ),
);

/**
 * Removes a toolset with all its epochs. Calls that wait end as `not_executed`; those with a provider may finish.
 *
 * @param epoch the active epoch as the caller knows it: a toolset that changed since is left alone. Any, where the record is damaged.
 * @param owner the principal that must own it; undefined where the caller may remove anybody's.
 * @param lingerMs how long calls in flight may last.
 * @param shown the toolset as the caller names it.
 * @throws ToolgateError UNKNOWN_TOOLSET, NOT_OWNER, EPOCH_MISMATCH
 */
export async function unregister(
  store: RegistryStore,
  toolset: ToolsetName,
  epoch: Epoch,
  owner: string | undefined,
  lingerMs: number,
  shown: string = plainName(toolset),
): Promise<void> {
  const answer = asText(await runRegistryScript(store, toolset, UNREGISTER, [toolset, epoch, owner ?? "", lingerMs]));
  switch (answer) {
    case "unregistered":
      return;
    case "unknown":
      throw new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${shown}" is registered`);
    case "not_owner":
      throw new ToolgateError("NOT_OWNER", `the name "${shown}" belongs to another principal`);
    default:
      throw epochMismatch(shown, epoch, answer);
  }
}

/** The error of every request that names another epoch than the one that is there. */
export function epochMismatch(shown: string, named: Epoch, actual: string): ToolgateError {
  return new ToolgateError("EPOCH_MISMATCH", `"${shown}" is at epoch ${actual}, not ${named}; get the toolset again`, {
    metadata: { epoch: actual },
  });
}
