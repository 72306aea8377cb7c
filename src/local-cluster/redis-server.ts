import type { Machine } from "./machine.js";

/** A Redis server's program on this machine. */
export interface RedisServer {
  readonly path: string;
  /** `redis-server 7.0.15`, `valkey-server 8.0.1`. */
  readonly version: string;
}

/** The oldest Redis that does what the scripts ask; every Valkey is newer. */
const OLDEST_REDIS = 7;

/** The first redis-server or valkey-server on the PATH that is new enough. */
export async function findRedisServer(machine: Machine): Promise<RedisServer | undefined> {
  for (const command of ["redis-server", "valkey-server"]) {
    const path = machine.find(command);
    if (path === undefined) continue;
    const { stdout } = await machine.run(path, ["--version"]);
    const [, name, version] = /\b(Redis|Valkey) server v=(\d+\.\d+\.\d+)/i.exec(stdout) ?? [];
    if (version === undefined) continue;
    if (name?.toLowerCase() === "redis" && Number.parseInt(version, 10) < OLDEST_REDIS) continue;
    return { path, version: `${command} ${version}` };
  }
  return undefined;
}
