import type { Epoch, ToolsetName } from "../../identity/names.js";
import { asNumber, runScript } from "../../redis/script.js";
import { defineCallScript } from "./call-lua.js";
import type { CallStore } from "./call-store.js";

const COUNT_UNFINISHED = defineCallScript(
  "COUNT_UNFINISHED",
  `
-- KEYS    [1] prefix, [2] due
-- ARGV    [1] toolset, [2] epoch
-- Returns how many calls of the epoch have not ended
return stream_length('requests:' .. ARGV[1] .. ':' .. ARGV[2])
`,
);

/** How many calls of an epoch have not ended. @throws ToolgateError STORE_UNAVAILABLE */
export async function countUnfinished(store: CallStore, toolset: ToolsetName, epoch: Epoch): Promise<number> {
  const keys = store.keyspace.forToolset(toolset);
  return asNumber(await runScript(store.redis, COUNT_UNFINISHED, [keys.prefix, keys.due], [toolset, epoch]));
}
