import type { Redis } from "ioredis";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Logger } from "../observe/logger.js";

/** Something about a Redis that an operator should know. */
export interface RedisFinding {
  readonly setting: "info" | "version" | "eviction" | "persistence" | "replicas";
  readonly message: string;
}

/** The oldest Redis that has what the scripts use. */
const OLDEST_MAJOR = 7;

/**
 * Looks for settings under which a cluster cannot keep its word: an eviction policy drops calls, and without persistence
 * a restart loses everything. Of a Redis that does not answer these questions (some hosted ones do not, nor one whose ACL denies
 * them), only that is said.
 *
 * @param replicas how many replicas the cluster waits for; none with `durability: fast`.
 */
export async function checkRedis(redis: Redis, replicas = 0): Promise<readonly RedisFinding[]> {
  const findings: RedisFinding[] = [];
  const info = await redis.info().catch(() => "");
  if (info === "") {
    findings.push({
      setting: "info",
      message:
        "Redis does not let the node run INFO: its version, eviction policy, persistence and memory limit cannot be checked; allow +info, or make sure of appendonly yes and maxmemory-policy noeviction",
    });
  }
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
      message:
        replicas === 0
          ? "appendonly is off: a restart of Redis loses calls; set appendonly yes"
          : "appendonly is off: a master that restarts empties its replicas too; set appendonly yes",
    });
  }
  const [, minReplicas] = replicas === 0 ? [] : await redis.config("GET", "min-replicas-to-write").catch(() => []);
  if (replicas > 0 && minReplicas === undefined) {
    findings.push({
      setting: "replicas",
      message: `Redis does not let the node run CONFIG GET: whether min-replicas-to-write is ${replicas} cannot be checked; allow +config|get, or make sure of it`,
    });
  } else if (Number(minReplicas) < replicas) {
    findings.push({
      setting: "replicas",
      message: `min-replicas-to-write is ${minReplicas}: a master that is cut off from its replicas goes on taking writes, which are lost unacknowledged; set it to ${replicas}`,
    });
  }
  return findings;
}

/**
 * Says what was found, once per finding.
 *
 * @throws ToolgateError INVALID_CONFIG when calls are to survive a failover, and eviction may drop them without one: that is
 * not what was asked for. With `durability: fast` it is a warning, as all else is.
 */
export async function warnOfRedis(masters: readonly Redis[], log: Logger, replicas = 0): Promise<void> {
  const findings = (await Promise.all(masters.map((master) => checkRedis(master, replicas)))).flat();
  // The masters of a cluster are mostly set up alike: what several have is said once.
  const distinct = new Map(findings.map((finding) => [finding.message, finding]));
  for (const { setting, message } of distinct.values()) {
    if (setting === "eviction" && replicas > 0) {
      throw new ToolgateError("INVALID_CONFIG", `TOOLGATE_DURABILITY=replicated cannot be kept: ${message}`);
    }
    log.warn({ event: "redis_setting", setting, message });
  }
}
