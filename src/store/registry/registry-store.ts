import type { ToolsetName } from "../../identity/names.js";
import type { Keyspace, ShardKeys } from "../../redis/keys.js";
import type { RedisClient } from "../../redis/redis-client.js";
import { type Reply, runScript, type Script, type ScriptArgument } from "../../redis/script.js";

/** What every script of the registry needs: where the toolset's shard is, and how old a pong may be. */
export interface RegistryStore {
  readonly redis: RedisClient;
  readonly keyspace: Keyspace;
  /** How old a pong may be for its epoch to be healthy, in milliseconds: (missed + 1) × interval. */
  readonly healthWindowMs: number;
}

/** Runs a registry script in a toolset's shard; see EPOCH_LUA for the keys. */
export function runRegistryScript(
  store: RegistryStore,
  toolset: ToolsetName,
  script: Script,
  args: readonly ScriptArgument[],
): Promise<Reply> {
  return runShardScript(store, store.keyspace.forToolset(toolset), script, args);
}

/**
 * Runs a registry script for toolsets of one shard.
 *
 * @param more keys of the shard beside those that all of them have.
 */
export function runShardScript(
  store: RegistryStore,
  keys: ShardKeys,
  script: Script,
  args: readonly ScriptArgument[],
  more: readonly string[] = [],
): Promise<Reply> {
  return runScript(
    store.redis,
    script,
    [keys.prefix, keys.toolsets, keys.health, keys.changes, ...more],
    [store.healthWindowMs, ...args],
  );
}
