import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { environment } from "../../src/config/environment.js";
import { canInstallRedis, installRedis } from "../../src/local-cluster/install-redis.js";
import { thisMachine } from "../../src/local-cluster/machine.js";
import { PrivateCluster, type PrivateClusterOptions } from "../../src/local-cluster/private-cluster.js";
import { PrivateSentinel, type PrivateSentinelOptions } from "../../src/local-cluster/private-sentinel.js";
import { RedisMember } from "../../src/local-cluster/redis-member.js";
import { findRedisServer } from "../../src/local-cluster/redis-server.js";
import { searchRedis } from "./canaries.js";
import { isUnreachable } from "./canary-watch.js";
import "./provided.js";

interface Group {
  /** What holds data, or opinions of who does. */
  readonly members?: readonly RedisMember[];
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a Redis Cluster for a test; `stop` ends it and removes its files. */
export function privateCluster(
  options: Omit<PrivateClusterOptions, "binary" | "folder"> = {},
): Promise<PrivateCluster> {
  return startGroup((binary, folder) => new PrivateCluster({ binary, folder, ...options }));
}

/** Starts a Redis with replicas and three Sentinels for a test; `stop` ends them and removes their files. */
export function privateSentinel(
  options: Omit<PrivateSentinelOptions, "binary" | "folder"> = {},
): Promise<PrivateSentinel> {
  return startGroup((binary, folder) => new PrivateSentinel({ binary, folder, ...options }));
}

/** What a Sentinel that knows no other one says of the master. */
export interface SentinelOpinion {
  /** What it calls the master. */
  readonly name: string;
  /** The master's port on loopback. */
  readonly port: number;
  readonly configEpoch: number;
}

/** Starts a Sentinel with an opinion of its own: alone it can replace no master; `stop` ends it and removes its files. */
export function loneSentinel({ name, port, configEpoch }: SentinelOpinion): Promise<RedisMember> {
  return startGroup((binary, parent) => {
    const folder = join(parent, "sentinel");
    const file = join(folder, "sentinel.conf");
    mkdirSync(folder);
    const lines = [
      "bind 127.0.0.1",
      `sentinel monitor ${name} 127.0.0.1 ${port} 2`,
      `sentinel config-epoch ${name} ${configEpoch}`,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const args = (own: number) => [file, "--sentinel", "--port", String(own), "--dir", folder];
    return new RedisMember({ binary, folder, readyText: "Sentinel ID is", args });
  });
}

/** Lets a Sentinel hear from another one, which no other Sentinel hears of, which server is the master. */
export async function tellSentinel(sentinel: RedisMember, { name, port, configEpoch }: SentinelOpinion): Promise<void> {
  const teller = ["127.0.0.1", 1, "f".repeat(40), configEpoch];
  const hello = [...teller, name, "127.0.0.1", port, configEpoch].join();
  await sentinel.query((redis) => redis.publish("__sentinel__:hello", hello));
}

async function startGroup<T extends Group>(make: (binary: string, folder: string) => T): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-redis-"));
  const group = make(await redisBinary(), folder);
  const stop = group.stop.bind(group);
  group.stop = async () => {
    try {
      for (const member of group.members ?? []) await search(member);
    } finally {
      await stop();
      await rm(folder, { recursive: true, force: true });
    }
  };
  try {
    await group.start();
    return group;
  } catch (error) {
    await group.stop();
    throw error;
  }
}

/** Looks through what one of them holds; one that was ended or frozen is passed over. */
async function search(member: RedisMember): Promise<void> {
  if (!member.running || member.frozen) return;
  try {
    await member.query(async (redis) => {
      await redis.readonly().catch(() => {}); // a replica of a cluster shows what it has only then; others know no such command
      await searchRedis(redis);
    });
  } catch (error) {
    if (!isUnreachable(error)) throw error;
  }
}

/** A server's program on this machine: the servers of a group reach each other by their ports, which containers hide. */
async function redisBinary(): Promise<string> {
  const source = inject("redisForTests");
  if (source.kind === "binary") return source.path;
  const machine = thisMachine(environment().PATH ?? "");
  if ((await findRedisServer(machine)) === undefined && canInstallRedis(machine)) {
    await installRedis(machine, environment());
  }
  const found = await findRedisServer(machine);
  if (found) return found.path;
  throw new Error("Tests of Sentinel and Cluster need redis-server 7.0 or newer on the PATH.");
}
