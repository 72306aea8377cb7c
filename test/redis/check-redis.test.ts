import type { Redis } from "ioredis";
import { beforeEach, describe, expect, test } from "vitest";
import { type LogFields, SILENT_LOGGER } from "../../src/observe/logger.js";
import { checkRedis, warnOfRedis } from "../../src/redis/check-redis.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";

expectNoLeaks();
const redis = redisForFile();
let client: Redis;
beforeEach(async () => {
  client = redis().client();
  await client.config("SET", "maxmemory-policy", "noeviction");
  await client.config("SET", "appendonly", "no");
  return () => client.disconnect();
});
const settings = async () => (await checkRedis(client)).map(({ setting }) => setting);

describe("a Redis", () => {
  test("with an append-only file and no eviction is fine", async () => {
    await client.config("SET", "appendonly", "yes");
    expect(await checkRedis(client)).toEqual([]);
  });

  test("without an append-only file loses calls in a restart", async () => {
    expect(await checkRedis(client)).toEqual([
      { setting: "persistence", message: "appendonly is off: a restart of Redis loses calls; set appendonly yes" },
    ]);
  });

  test.each(["allkeys-lru", "volatile-ttl", "allkeys-random"])("with the policy %s may drop calls", async (policy) => {
    await client.config("SET", "maxmemory-policy", policy);
    expect(await settings()).toEqual(["eviction", "persistence"]);
    expect((await checkRedis(client))[0]?.message).toContain(policy);
  });

  test("that is too old is named with its version", async () => {
    const old = { info: async () => "redis_version:6.2.14\r\naof_enabled:1\r\n" } as unknown as Redis; // all that is asked
    expect(await checkRedis(old)).toEqual([
      { setting: "version", message: "Redis 6.2.14 is older than 7.0; upgrade it" },
    ]);
  });

  test("that does not answer such questions is said to be unchecked, and no more", async () => {
    const refuse = () => Promise.reject(new Error("NOPERM this user has no permissions to run the 'info' command"));
    const shy = { info: refuse, config: refuse } as unknown as Redis; // all that is asked
    expect(await checkRedis(shy, 1)).toMatchObject([
      { setting: "info", message: expect.stringContaining("+info") },
      { setting: "replicas", message: expect.stringContaining("+config|get") },
    ]);
  });
});

describe("a Redis whose replicas are waited for", () => {
  test("should refuse writes that too few of them get, and keep a file", async () => {
    const findings = await checkRedis(client, 1);
    expect(findings).toMatchObject([
      { setting: "persistence", message: expect.stringContaining("empties its replicas") },
      { setting: "replicas", message: expect.stringContaining("set it to 1") },
    ]);
    await client.config("SET", "min-replicas-to-write", "1", "appendonly", "yes");
    expect(await checkRedis(client, 1)).toEqual([]);
    await client.config("SET", "min-replicas-to-write", "0");
  });

  test("may not drop calls: the node does not start", async () => {
    await client.config("SET", "maxmemory-policy", "allkeys-lru");
    await expect(warnOfRedis([client], SILENT_LOGGER, 1)).rejects.toMatchObject({ reason: "INVALID_CONFIG" });
  });
});

test("each finding is one warning", async () => {
  await client.config("SET", "maxmemory-policy", "allkeys-lru");
  const warnings: LogFields[] = [];
  await warnOfRedis([client], { ...SILENT_LOGGER, warn: (fields) => void warnings.push(fields) });
  expect(warnings).toMatchObject([
    { event: "redis_setting", setting: "eviction" },
    { event: "redis_setting", setting: "persistence" },
  ]);
});
