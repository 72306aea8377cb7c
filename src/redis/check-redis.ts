import type { Redis } from "ioredis";
import type { Logger } from "../log/logger.js";

/** Something about a Redis that an operator should know. */
export interface RedisFinding {
  readonly setting: "version" | "eviction" | "persistence";
  readonly message: string;
}

/** The oldest Redis that has what the scripts use. */
const OLDEST_MAJOR = 7;

/**
 * Looks for settings under which a cluster cannot keep its word: an eviction policy drops calls, and without persistence
 * a restart loses everything. A Redis that does not answer these questions (some hosted ones do not) is not judged.
 */
export async function checkRedis(redis: Redis): Promise<readonly RedisFinding[]> {
  const findings: RedisFinding[] = [];
  const info = await redis.info().catch(() => "");
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
  const version = field("redis_version");
  if (version !== undefined && Number.parseInt(version, 10) < OLDEST_MAJOR) {
    findings.push({ setting: "version", message: `Redis ${version} is older than ${OLDEST_MAJOR}.0; upgrade it` });
  }
  const policy = field("maxmemory_policy");
  if (policy !== undefined && policy !== "noeviction") {
    findings.push({
      setting: "eviction",
      message: `maxmemory-policy is ${policy}: Redis may drop calls and toolsets when it is full; set it to noeviction`,
    });
  }
  if (field("aof_enabled") === "0") {
    findings.push({
      setting: "persistence",
      message: "appendonly is off: a restart of Redis loses calls; set appendonly yes",
    });
  }
  return findings;
}

/** Says what was found, once per finding. */
export async function warnOfRedis(redis: Redis, log: Logger): Promise<void> {
  for (const { setting, message } of await checkRedis(redis)) log.warn({ event: "redis_setting", setting, message });
}
