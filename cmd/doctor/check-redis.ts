import type { Redis } from "ioredis";
import semver from "semver";
import { parseRedisUrl, redisUrlFault, withoutCredentials } from "../../src/config/redis-url.js";
import { parseNodeId, type RegistryName } from "../../src/identity/names.js";
import { missingAccess } from "../../src/redis/access.js";
import { inspectRedis } from "../../src/redis/connections.js";
import { createKeyspace, type ShardKeys } from "../../src/redis/keys.js";
import type { RedisClient } from "../../src/redis/redis-client.js";
import { shardCount } from "../../src/store/agree-on-shards.js";
import { type Check, fail, ok, warn } from "./check.js";

const SLOW_MS = 20;
/** How far the clocks may be apart before it is worth a word, in milliseconds. */
const CLOCK_TOLERANCE_MS = 1_000;

const OLDEST = "6.2.0";
const WANTED = "7.0.0";

/** What was read from a Redis server. */
export interface RedisFacts {
  /** The fields of INFO; undefined where it must not be asked. */
  readonly info: Readonly<Record<string, string>> | undefined;
  /** The setting `save`; undefined where it must not be read. */
  readonly save: string | undefined;
  readonly latencyMs: number;
  /** How far Redis's clock is ahead of this machine's. */
  readonly clockAheadMs: number;
}

/**
 * Looks at the Redis that the nodes share, as the user that the URL names: the nodes' own.
 *
 * @param registry whose keys and channels the user must be allowed.
 * @param shards over how many shards it is spread; 0 as nodes do unless told otherwise.
 */
export async function checkRedis(url: string, registry: RegistryName, shards = 0): Promise<Check[]> {
  const fault = redisUrlFault(url);
  if (fault !== undefined) return [fail("Redis", `its URL ${fault}`, "Correct REDIS_URL (--redis-url).")];
  const name = `Redis ${withoutCredentials(url)}`;
  const inspection = inspectRedis(url);
  try {
    const masters = await inspection.start();
    const address = parseRedisUrl(url);
    const asCluster = address.kind === "cluster";
    const keyspace = createKeyspace(registry, shardCount(shards, address));
    const checks: Check[] = [...(await checkAccess(inspection.client, keyspace.shards, asCluster))];
    for (const master of masters) {
      const { host, port } = master.options;
      checks.push(
        ...evaluateRedis(masters.length === 1 ? name : `Redis ${host}:${port}`, await readFacts(master), asCluster),
      );
    }
    return checks;
  } catch (error) {
    return [
      fail(
        name,
        `cannot be used: ${error instanceof Error ? error.message : String(error)}`,
        "Start it, or correct REDIS_URL (--redis-url): hosts, ports, user and password.",
      ),
    ];
  } finally {
    inspection.stop();
  }
}

/** Whether the nodes' user may do what nodes do, in every shard. */
async function checkAccess(redis: RedisClient, shards: readonly ShardKeys[], cluster: boolean): Promise<Check[]> {
  const name = "Redis access";
  const remedy = "Allow it: until then nodes do not start, or take no calls.";
  try {
    // As a node of any name; what it needs for replicas is reported by the node that needs it.
    const node = parseNodeId("doctor", "node");
    const missing = await Promise.all(
      shards.map((keys) => missingAccess(redis, keys, node, { cluster, replicated: false })),
    );
    const denied = missing.find((found) => found !== undefined);
    return [denied === undefined ? ok(name, "all that nodes need") : fail(name, denied, remedy)];
  } catch (error) {
    return [fail(name, error instanceof Error ? error.message : String(error), remedy)];
  }
}

async function readFacts(redis: Redis): Promise<RedisFacts> {
  const info = await redis.info().then(parseInfo, () => undefined);
  // Managed servers forbid CONFIG.
  const save = await redis.config("GET", "save").then(
    (answer) => configValue(answer, "save"),
    () => undefined,
  );
  const sentMs = Date.now();
  const startedAt = performance.now();
  const [seconds = 0, microseconds = 0] = await redis.time();
  const latencyMs = performance.now() - startedAt;
  const clockAheadMs = Number(seconds) * 1_000 + Number(microseconds) / 1_000 - (sentMs + latencyMs / 2);
  return { info, save, latencyMs, clockAheadMs };
}

/**
 * Judges a Redis server as the store of a registry, or as a part of it.
 *
 * @param asCluster whether the URL calls it a Redis Cluster.
 */
export function evaluateRedis(
  name: string,
  { info, save, latencyMs, clockAheadMs }: RedisFacts,
  asCluster = false,
): Check[] {
  const reached = `answers in ${latencyMs.toFixed(1)} ms`;
  const latency =
    latencyMs > SLOW_MS
      ? warn(name, `${reached}: every call waits for it several times`, "Run Redis nearer to the nodes.")
      : ok(name, reached);
  if (info === undefined) {
    return [
      latency,
      warn(
        "Redis INFO",
        "must not be asked: version, role, eviction, memory and persistence were not checked",
        "Allow the nodes' user +info, or make sure of appendonly yes and maxmemory-policy noeviction.",
      ),
      evaluateClock(clockAheadMs),
    ];
  }
  return [
    latency,
    evaluateVersion(info),
    ...evaluateRole(info, asCluster),
    evaluateEviction(info),
    ...evaluateMemory(info),
    evaluatePersistence(info, save),
    evaluateClock(clockAheadMs),
  ];
}

function evaluateVersion(info: Readonly<Record<string, string>>): Check {
  const name = "Redis version";
  const version = semver.coerce(info.redis_version)?.version;
  const shown = info.valkey_version === undefined ? (info.redis_version ?? "unknown") : `Valkey ${info.valkey_version}`;
  if (version === undefined) return warn(name, "it does not say its version", `Use Redis ${WANTED} or newer.`);
  if (semver.lt(version, OLDEST)) return fail(name, `${shown} is too old`, `Use Redis ${WANTED} or newer.`);
  if (semver.lt(version, WANTED))
    return warn(name, `${shown} is older than what Toolgate is tested with`, `Use Redis ${WANTED} or newer.`);
  return ok(name, shown);
}

function evaluateRole(info: Readonly<Record<string, string>>, asCluster: boolean): Check[] {
  const checks: Check[] = [];
  if (info.role !== undefined && info.role !== "master") {
    checks.push(fail("Redis role", "it is a replica, which refuses writes", "Give the address of the primary."));
  }
  if (info.loading === "1") {
    checks.push(warn("Redis state", "it is still loading its data", "Wait until it has started."));
  }
  if (info.cluster_enabled === "1" && !asCluster) {
    checks.push(
      fail(
        "Redis mode",
        "it is one node of a Redis Cluster",
        "Name the cluster, as redis+cluster://host:port,host:port.",
      ),
    );
  }
  return checks;
}

function evaluateEviction(info: Readonly<Record<string, string>>): Check {
  const name = "Redis eviction";
  const policy = info.maxmemory_policy;
  if (policy === undefined)
    return warn(name, "its policy cannot be read", "Make sure that maxmemory-policy is noeviction.");
  if (policy === "noeviction") return ok(name, policy);
  const consequence =
    info.maxmemory === "0"
      ? "would throw calls and contracts away, once maxmemory is set"
      : "throws calls and contracts away when memory is short";
  return warn(name, `the policy ${policy} ${consequence}`, "Set maxmemory-policy to noeviction.");
}

function evaluateMemory(info: Readonly<Record<string, string>>): Check[] {
  const most = Number(info.maxmemory ?? 0);
  const used = Number(info.used_memory ?? 0);
  if (!(most > 0) || used < most * 0.9) return [];
  return [
    warn(
      "Redis memory",
      `${Math.round((used / most) * 100)} % of maxmemory is used`,
      "Raise maxmemory: when it is full, calls are refused.",
    ),
  ];
}

function evaluatePersistence(info: Readonly<Record<string, string>>, save: string | undefined): Check {
  const name = "Redis persistence";
  if (info.aof_enabled === "1") return ok(name, "append-only file");
  const remedy = "Set appendonly to yes.";
  if (save === undefined)
    return warn(name, "there is no append-only file, and whether snapshots are made cannot be read", remedy);
  if (save !== "") return warn(name, "snapshots only: a crash loses the calls of the last minutes", remedy);
  return warn(name, "none: a restart loses all calls, and all toolsets until their providers register again", remedy);
}

function evaluateClock(aheadMs: number): Check {
  const name = "Redis clock";
  const apart = `${Math.abs(aheadMs / 1_000).toFixed(1)} s ${aheadMs > 0 ? "ahead of" : "behind"} this machine's`;
  if (Math.abs(aheadMs) <= CLOCK_TOLERANCE_MS) return ok(name, "agrees with this machine's");
  return warn(
    name,
    apart,
    "Synchronise the clocks (NTP). Deadlines hold, as Redis's clock decides them; times that are shown will differ.",
  );
}

function parseInfo(text: string): Record<string, string> {
  const fields = text.split(/\r?\n/).flatMap((line) => {
    const colon = line.indexOf(":");
    return line.startsWith("#") || colon === -1 ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
  });
  return Object.fromEntries(fields);
}

/** CONFIG GET answers a flat list or, over RESP3, a map. */
function configValue(answer: unknown, key: string): string | undefined {
  if (Array.isArray(answer)) return answer[0] === key ? String(answer[1]) : undefined;
  if (answer instanceof Map) return answer.has(key) ? String(answer.get(key)) : undefined;
  if (typeof answer === "object" && answer !== null && key in answer)
    return String((answer as Record<string, unknown>)[key]); // `in` has checked it
  return undefined;
}
