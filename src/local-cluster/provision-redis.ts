import { mkdirSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { redisUrlFault, withoutCredentials } from "../config/redis-url.js";
import { inspectRedis } from "../redis/connections.js";
import { ComposeRedis, isDockerRunning } from "./compose-redis.js";
import { canInstallRedis, installRedis } from "./install-redis.js";
import type { Machine } from "./machine.js";
import { PrivateRedis } from "./private-redis.js";
import { findRedisServer, type RedisServer } from "./redis-server.js";

/** A Redis that is there for us. */
export interface ProvisionedRedis {
  readonly url: string;
  /** Where it came from, for people. */
  readonly origin: string;
  /** It was started for us, and holds nothing of anybody else. */
  readonly isOurs: boolean;
  /** Stops what was started for it; does nothing for a Redis that was there before. Idempotent. */
  stop(): Promise<void>;
}

export interface ProvisionOptions {
  /** REDIS_URL as the operator set it; empty or undefined when it is not set. */
  readonly redisUrl: string | undefined;
  readonly machine: Machine;
  /** The environment of the commands that are run. */
  readonly environment: NodeJS.ProcessEnv;
  /** The folder below which a private Redis gets a folder of its own. */
  readonly folder: string;
  /** Hears what takes its time: "installing Debian's redis-server". */
  readonly onProgress?: (text: string) => void;
}

/** Thrown when there is no Redis to be had: two lines, what is missing and what to do. */
export class NoRedisError extends Error {
  override readonly name = "NoRedisError";
}

/**
 * Finds a Redis, in this order: the one that REDIS_URL names; a server on the PATH, run privately; Debian's package,
 * installed where we may and run privately; the compose file's, where Docker runs.
 *
 * @throws NoRedisError when none of these is to be had, or REDIS_URL's does not answer.
 */
export async function provisionRedis(options: ProvisionOptions): Promise<ProvisionedRedis> {
  const { redisUrl, machine, environment, onProgress = () => {} } = options;
  if (redisUrl) return await useUrl(redisUrl);

  const found = await findRedisServer(machine);
  if (found) return await runPrivately(found, options);

  const attempts: string[] = [];
  if (canInstallRedis(machine)) {
    onProgress("installing Debian's redis-server (apt-get), for its program only: no service is started");
    const failure = await installRedis(machine, environment);
    const installed = await findRedisServer(machine);
    if (installed) return await runPrivately(installed, options);
    attempts.push(`apt-get could not install a new enough one (${failure ?? "it is older than 7.0"})`);
  }
  if (await isDockerRunning(machine)) {
    onProgress("starting Redis by Docker");
    const redis = new ComposeRedis(environment);
    await redis.start();
    return { url: redis.url, origin: "docker-compose.yml", isOurs: true, stop: () => redis.stop() };
  }
  throw new NoRedisError(
    `${["No Redis 7.0 or newer: REDIS_URL is not set, and no redis-server or valkey-server is on the PATH", ...attempts].join("; ")}.\n` +
      "Install one (Debian: apt-get install redis-server, macOS: brew install redis), start Docker, or set REDIS_URL=redis://host:6379.",
  );
}

async function runPrivately(server: RedisServer, { folder }: ProvisionOptions): Promise<ProvisionedRedis> {
  mkdirSync(folder, { recursive: true });
  const own = mkdtempSync(join(folder, "redis-"));
  const redis = new PrivateRedis({ binary: server.path, folder: own, removeFolder: true, appendOnly: true });
  await redis.start();
  return {
    url: redis.url,
    origin: `${server.version}, private, append-only file`,
    isOurs: true,
    stop: () => redis.stop(),
  };
}

async function useUrl(url: string): Promise<ProvisionedRedis> {
  const fault = redisUrlFault(url);
  if (fault !== undefined) {
    throw new NoRedisError(`REDIS_URL ${fault}.\nCorrect it, or unset REDIS_URL to have a private Redis started.`);
  }
  const inspection = inspectRedis(url);
  try {
    for (const master of await inspection.start()) await master.ping();
  } catch (error) {
    throw new NoRedisError(
      `Redis at ${withoutCredentials(url)} (REDIS_URL) does not answer: ${error instanceof Error ? error.message : String(error)}.\n` +
        "Start it, correct REDIS_URL, or unset REDIS_URL to have a private Redis started.",
      { cause: error },
    );
  } finally {
    inspection.stop();
  }
  return { url, origin: "REDIS_URL", isOurs: false, stop: async () => {} };
}
