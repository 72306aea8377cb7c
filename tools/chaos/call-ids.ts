import { derivedCallId } from "../../src/identity/call-id.js";
import type { RegistryName, ToolsetName } from "../../src/identity/names.js";
import { tenantOf } from "../../src/identity/toolset-name.js";
import { createKeyspace } from "../../src/redis/keys.js";

/** The keys of the cluster that a run starts. */
export function keyspaceOf(shards: number) {
  return createKeyspace("default" as RegistryName, shards); // the nodes' own default
}

/**
 * The id of a call before any answer tells it: an agent that never hears of its call again can still have it looked up.
 *
 * @param shards as the store has; one unless said, as on any single Redis
 */
export function callIdFor(toolset: string, runId: string, toolCallId: string, shards = 1): string {
  const name = toolset as ToolsetName; // one of our own
  return derivedCallId(keyspaceOf(shards).forToolset(name).shard, tenantOf(name), name, runId, toolCallId);
}
