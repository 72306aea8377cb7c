import { derivedCallId } from "../../src/identity/call-id.js";
import type { RegistryName, ToolsetName } from "../../src/identity/names.js";
import { createKeyspace } from "../../src/redis/keys.js";

/** The keys of the cluster that a run starts: one shard, as on any standalone Redis. */
export const KEYSPACE = createKeyspace("default" as RegistryName, 1); // the nodes' own default

/** Everybody's tenant, as long as there is no authentication. */
const TENANT = "default";

/** The id of a call before anybody has told it: whoever never hears of a call again can still have it looked up. */
export function callIdFor(toolset: string, runId: string, toolCallId: string): string {
  const { shard } = KEYSPACE.forToolset(toolset as ToolsetName); // one of our own
  return derivedCallId(shard, TENANT, runId, toolCallId);
}
