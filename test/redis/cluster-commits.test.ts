import { afterAll, beforeAll, expect, test } from "vitest";
import { parseRegistryName } from "../../src/identity/names.js";
import type { PrivateCluster } from "../../src/local-cluster/private-cluster.js";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { ReplicatedCommits, runConfirmed } from "../../src/redis/commits.js";
import { createConnections, type RedisConnections } from "../../src/redis/connections.js";
import { createKeyspace, type ShardKeys } from "../../src/redis/keys.js";
import { defineScript } from "../../src/redis/script.js";
import { expectNoLeaks } from "../support/leaks.js";
import { privateCluster } from "../support/redis-groups.js";
import { until } from "../support/until.js";

expectNoLeaks();

const WRITE = defineScript("WRITE", "redis.call('SET', KEYS[1], ARGV[1]) return 'wrote'");
const { shards } = createKeyspace(parseRegistryName("test", "registry"), 16);

let cluster: PrivateCluster;
let connections: RedisConnections;
let commits: ReplicatedCommits;
beforeAll(async () => {
  cluster = await privateCluster({ replicas: 1, nodeTimeoutMs: 30_000 });
  connections = createConnections({
    ...{ redisUrl: cluster.url, lockTtlMs: 1_000, replicaTimeoutMs: 300, log: SILENT_LOGGER, onReady: () => {} },
  });
  await connections.start();
  commits = new ReplicatedCommits({
    ...{ link: connections.commit, shards, replicas: 1, timeoutMs: 300, log: SILENT_LOGGER, onConfirming: () => {} },
  });
  await commits.start();
});
afterAll(async () => {
  await commits?.stop();
  await connections?.stop();
  await cluster?.stop();
});

const write = (keys: ShardKeys) =>
  runConfirmed({ redis: connections.command.client, commits }, keys, WRITE, [`${keys.prefix}x`], ["1"]);

test("a Redis Cluster's masters confirm for their own shards, and one that cannot holds up no other", async () => {
  await Promise.all(shards.map(write));
  expect(commits.confirming).toBe(true);

  const [replica] = await cluster.replicas();
  if (replica === undefined) throw new Error("there is no replica");
  const ports = await Promise.all(shards.map(async (keys) => (await cluster.masterOf(keys.commit)).port));
  const [, , masterPort] = (await replica.query((redis) => redis.call("ROLE"))) as [string, string, number]; // a replica's
  replica.freeze();
  const outcomes = await Promise.allSettled(shards.map(write));
  expect(outcomes.map(({ status }) => status)).toEqual(
    ports.map((port) => (port === masterPort ? "rejected" : "fulfilled")),
  );
  expect(new Set(ports).size).toBe(3);
  expect(commits.confirming).toBe(false);

  replica.thaw();
  await until("all confirm again", () => commits.confirming);
  await Promise.all(shards.map(write));
});
