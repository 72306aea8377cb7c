import { ToolgateError } from "../../errors/toolgate-error.js";
import type { Epoch, ToolsetName } from "../../identity/names.js";
import { plainName } from "../../identity/toolset-name.js";
import { asText } from "../../redis/script.js";
import { defineRegistryScript } from "./epoch-lua.js";
import { type RegistryStore, runRegistryScript } from "./registry-store.js";

const PROMOTE = defineRegistryScript(
  "PROMOTE",
  `
-- KEYS    [1] prefix, [2] toolsets, [3] health, [4] changes
-- ARGV    [1] how old a pong may be, in milliseconds; [2] name, [3] candidate epoch, [4] owner, or nothing where it may be anybody
-- Returns 'promoted', 'unknown', 'damaged', 'not_owner', 'mismatch' or 'not_ready'
local record = load_record(ARGV[2])
if not record then return redis.call('HEXISTS', toolsets, ARGV[2]) == 1 and 'damaged' or 'unknown' end
if ARGV[4] ~= '' and record.owner ~= ARGV[4] then return 'not_owner' end
local candidate = find_state(record, 'candidate')
if not candidate or candidate.epoch ~= tonumber(ARGV[3]) then return 'mismatch' end
local h = read_health(record.name, candidate.epoch)
if not h or h.pong == 0 or not is_held(h.live) then return 'not_ready' end
promote(record, candidate)
return 'promoted'
`,
);

/**
 * Makes a candidate epoch the active one at once.
 *
 * @param owner the principal that must own the toolset; undefined where the caller may promote anybody's.
 * @param shown the toolset as the caller names it.
 * @throws ToolgateError UNKNOWN_TOOLSET, TOOLSET_DAMAGED, NOT_OWNER, EPOCH_MISMATCH; NO_HEALTHY_PROVIDER when it has no provider yet: all calls would fail
 */
export async function promote(
  store: RegistryStore,
  toolset: ToolsetName,
  epoch: Epoch,
  owner: string | undefined,
  shown: string = plainName(toolset),
): Promise<void> {
  switch (asText(await runRegistryScript(store, toolset, PROMOTE, [toolset, epoch, owner ?? ""]))) {
    case "promoted":
      return;
    case "unknown":
      throw new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${shown}" is registered`);
    case "damaged":
      throw new ToolgateError(
        "TOOLSET_DAMAGED",
        `the record of "${shown}" in Redis is damaged; a provider that registers it again mends it`,
      );
    case "not_owner":
      throw new ToolgateError("NOT_OWNER", `the name "${shown}" belongs to another principal`);
    case "not_ready":
      throw new ToolgateError(
        "NO_HEALTHY_PROVIDER",
        `no provider of "${shown}" epoch ${epoch} has answered a ping yet; retry when one has`,
      );
    default:
      throw new ToolgateError("EPOCH_MISMATCH", `"${shown}" has no candidate epoch ${epoch}; get the toolset again`);
  }
}
