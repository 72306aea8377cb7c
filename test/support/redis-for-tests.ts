import { environment } from "../../src/config/environment.js";
import { isDockerRunning } from "../../src/local-cluster/compose-redis.js";
import { canInstallRedis, installRedis } from "../../src/local-cluster/install-redis.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { findRedisServer } from "../../src/local-cluster/redis-server.js";
import type { RedisForTests } from "./provided.js";

/** Where the tests' Redis comes from: a container where Docker runs; else a server of this machine, installed if need be. */
export async function redisForTests(): Promise<RedisForTests> {
  const machine = thisMachine(environment().PATH ?? "");
  if (await isDockerRunning(machine)) return { kind: "testcontainers" };
  const found = await findRedisServer(machine);
  if (found) return { kind: "binary", path: found.path };
  if (canInstallRedis(machine)) {
    console.log("Installing Debian's redis-server (apt-get), for its program only: no service is started");
    await installRedis(machine, environment());
    const installed = await findRedisServer(machine);
    if (installed) return { kind: "binary", path: installed.path };
  }
  throw new Error(
    "The tests need Redis 7.0 or newer: no Docker engine answers, and no redis-server or valkey-server is on the PATH.\n" +
      "Install one (Debian: apt-get install redis-server, macOS: brew install redis) or start Docker.",
  );
}
