import { describe, expect, test } from "vitest";
import type { Check } from "../../cmd/doctor/check.js";
import { evaluateConditions, type ListedRole } from "../../cmd/doctor/check-conditions.js";
import { evaluateDocuments } from "../../cmd/doctor/check-documents.js";
import { checkRedis, evaluateRedis, type RedisFacts } from "../../cmd/doctor/check-redis.js";
import { evaluateRegistry } from "../../cmd/doctor/check-registry.js";
import { checkRuntime } from "../../cmd/doctor/check-runtime.js";
import { evaluateToolsets } from "../../cmd/doctor/check-toolsets.js";
import { parseRegistryName } from "../../src/identity/names.js";
import type { RegistryInfo, ToolsetSummary } from "../../src/index.js";
import { redisForFile } from "../support/redis.js";
import { privateCluster } from "../support/redis-groups.js";

test("documents that a node cannot read are named, and the others counted", () => {
  expect(evaluateDocuments(0, [])).toEqual([]);
  expect(evaluateDocuments(3, []).map(({ status }) => status)).toEqual(["ok"]);
  const unreadable = Array.from({ length: 12 }, (_, n) => ({
    kind: "role",
    name: `r${n}`,
    unreadable: "role/r: \u001b[31mno",
  }));
  const checks = evaluateDocuments(12, unreadable);
  expect(checks).toHaveLength(11);
  expect(checks.every(({ status }) => status === "warn")).toBe(true);
  expect(checks[0]).toMatchObject({ name: "document role/r0", finding: expect.stringContaining("goes by none of it") });
  expect(checks[10]?.finding).toContain("2 more");
});

test("roles with conditions that could not be judged are named with the count of all nodes and the latest rule", () => {
  const role = (name: string, times: number, path = "/rules/0", atMs = 0): ListedRole => ({
    ...{ tenant: "default", name },
    ...(times === 0 ? {} : { unjudged: { times, path, reason: "too \u001b[31mmuch", at: new Date(atMs) } }),
  });
  expect(evaluateConditions([])).toEqual([]);
  expect(evaluateConditions([role("a", 0)]).map(({ status }) => status)).toEqual(["ok"]);
  const checks = evaluateConditions([role("a", 1), role("b", 5, "/rules/1", 2000), role("b", 2, "/rules/7", 1000)]);
  expect(checks.map(({ name, status }) => [name, status])).toEqual([
    ["conditions of role/b", "warn"],
    ["conditions of role/a", "warn"],
  ]);
  expect(checks[0]?.finding).toContain("7 times");
  expect(checks[0]?.finding).toContain("/rules/1 at 1970-01-01T00:00:02.000Z");
  const many = evaluateConditions(Array.from({ length: 12 }, (_, n) => role(`r${n}`, 1)));
  expect(many).toHaveLength(11);
  expect(many[10]?.finding).toContain("2 more");
});

const REGISTRY = parseRegistryName("default", "registry");
const statusOf = (checks: readonly Check[], name: string): string | undefined =>
  checks.find((check) => check.name === name)?.status;

describe("Redis", () => {
  const good: RedisFacts = {
    info: { redis_version: "7.2.4", role: "master", maxmemory: "0", maxmemory_policy: "noeviction", aof_enabled: "1" },
    save: "",
    latencyMs: 0.3,
    clockAheadMs: 10,
  };
  const evaluate = (info: Record<string, string>, more: Partial<RedisFacts> = {}): Check[] =>
    evaluateRedis("Redis", { ...good, ...more, info: { ...good.info, ...info } });

  test("as it should be is fine", () => {
    expect(evaluate({}).every(({ status }) => status === "ok")).toBe(true);
  });

  test.each<[string, Record<string, string>, Partial<RedisFacts>, string, string]>([
    ["too old", { redis_version: "6.0.9" }, {}, "Redis version", "fail"],
    ["old", { redis_version: "6.2.1" }, {}, "Redis version", "warn"],
    ["a replica", { role: "slave" }, {}, "Redis role", "fail"],
    ["one node of a cluster", { cluster_enabled: "1" }, {}, "Redis mode", "fail"],
    ["evicting", { maxmemory_policy: "allkeys-lru" }, {}, "Redis eviction", "warn"],
    ["full", { maxmemory: "1000", used_memory: "950" }, {}, "Redis memory", "warn"],
    ["without persistence", { aof_enabled: "0" }, {}, "Redis persistence", "warn"],
    ["with snapshots only", { aof_enabled: "0" }, { save: "3600 1" }, "Redis persistence", "warn"],
    ["of unknown persistence", { aof_enabled: "0" }, { save: undefined }, "Redis persistence", "warn"],
    ["far away", {}, { latencyMs: 80 }, "Redis", "warn"],
    ["of another time", {}, { clockAheadMs: -90_000 }, "Redis clock", "warn"],
  ])("%s is told, with a remedy", (_name, info, more, name, status) => {
    const checks = evaluate(info, more);
    expect(statusOf(checks, name)).toBe(status);
    for (const check of checks) expect(check.remedy !== undefined).toBe(check.status !== "ok");
  });

  const redis = redisForFile({ args: ["--maxmemory-policy", "allkeys-lru"] });

  test("that runs is looked at", async () => {
    const checks = await checkRedis(redis().url, REGISTRY);
    expect(checks[0]).toMatchObject({ status: "ok" });
    expect(statusOf(checks, "Redis version")).toBe("ok");
    expect(statusOf(checks, "Redis eviction")).toBe("warn");
    expect(statusOf(checks, "Redis persistence")).toBe("warn");
    expect(statusOf(checks, "Redis clock")).toBe("ok");
  });

  test("a cluster is looked at, master by master", async () => {
    const cluster = await privateCluster();
    try {
      const checks = await checkRedis(cluster.url, REGISTRY);
      expect(checks.filter(({ name }) => name === "Redis version").map(({ status }) => status)).toEqual([
        "ok",
        "ok",
        "ok",
      ]);
      expect(statusOf(checks, "Redis mode")).toBeUndefined();
      const [one] = cluster.members;
      expect(statusOf(await checkRedis(`redis://${one?.address}`, REGISTRY), "Redis mode")).toBe("fail");
    } finally {
      await cluster.stop();
    }
  });

  test("that denies the nodes' user channels, or INFO and CONFIG, is named with the rule to add", async () => {
    const admin = redis().client();
    const as = async (...rules: string[]): Promise<Check[]> => {
      await admin.acl("SETUSER", "node", "reset", "on", ">secret", "~*", "&*", "+@all", ...rules);
      return checkRedis(redis().url.replace("redis://", "redis://node:secret@"), REGISTRY);
    };
    expect(statusOf(await as(), "Redis access")).toBe("ok");
    const mute = await as("resetchannels");
    expect(mute.find(({ name }) => name === "Redis access")).toMatchObject({
      status: "fail",
      finding: expect.stringContaining("ACL SETUSER <user> &toolgate:{default/0}:*"),
    });
    const shy = await as("-info", "-config");
    expect(statusOf(shy, "Redis access")).toBe("ok");
    expect(statusOf(shy, "Redis INFO")).toBe("warn");
    expect(shy.some(({ status }) => status === "fail")).toBe(false);
    const dumb = await as("-evalsha", "-eval");
    expect(dumb[0]).toMatchObject({ status: "fail", finding: expect.stringContaining("EVALSHA") });
    admin.disconnect();
  });

  test("that is not there fails, without its password", async () => {
    const [check] = await checkRedis("redis://user:secret@127.0.0.1:1", REGISTRY);
    expect(check).toMatchObject({ status: "fail", name: "Redis redis://127.0.0.1:1" });
    expect(JSON.stringify(check)).not.toContain("secret");
  });

  test("of a bad URL fails", async () => {
    expect(await checkRedis("http://x", REGISTRY)).toMatchObject([
      { status: "fail", finding: expect.stringContaining("redis://") },
    ]);
  });
});

test("Node must be new enough", () => {
  expect(checkRuntime("20.20.2", ">=20.19").status).toBe("ok");
  expect(checkRuntime("18.0.0", ">=20.19").status).toBe("fail");
});

test("unhealthy toolsets are named with what is known of them", () => {
  const at = new Date("2030-01-01T00:00:00Z");
  const toolset = (name: string, lastPong?: Date, liveUntil?: Date): ToolsetSummary => ({
    name,
    title: "",
    description: "",
    version: "1.0.0",
    tags: [],
    toolCount: 1,
    healthy: false,
    stale: false,
    epochs: [
      {
        epoch: 1,
        digest: "",
        version: "1.0.0",
        state: "active",
        registeredAt: at,
        health: { healthy: false, room: 0, ...(lastPong && { lastPong }), ...(liveUntil && { liveUntil }) },
      },
    ],
  });
  const later = at.getTime() + 60_000;
  const checks = evaluateToolsets(
    [toolset("new"), toolset("gone", at, at), toolset("mute", at, new Date(later + 1))],
    later,
  );
  expect(checks.map(({ name, status, finding }) => [name, status, finding])).toEqual([
    ["toolset new", "warn", "unhealthy: no provider has answered a ping yet"],
    ["toolset gone", "warn", "unhealthy: no provider is there; the last pong came 60 s ago"],
    ["toolset mute", "warn", "unhealthy: its providers do not answer; the last pong came 60 s ago"],
  ]);
  expect(evaluateToolsets([], later)).toMatchObject([{ status: "ok" }]);
});

describe("the registry", () => {
  const limits: RegistryInfo["limits"] = {
    ...{ maxPayloadBytes: 1_048_576, maxResultBytes: 3_145_728, maxMessageBytes: 8_388_608, maxOutputBytes: 1 },
    ...{ maxDeltas: 1, defaultTimeoutMs: 1, maxTimeoutMs: 600_000, maxContractBytes: 1, maxSchemaBytes: 1 },
  };
  const told = (address: string, more: Partial<RegistryInfo> = {}) => ({
    address,
    registry: { name: "default", nodeId: address, version: "1.2.3", limits, nodes: [], ...more },
  });

  test("is what all of its nodes say", () => {
    expect(evaluateRegistry([told("a:1"), told("b:1")])).toEqual([
      {
        name: "registry default",
        status: "ok",
        finding: "Toolgate 1.2.3; payloads up to 1 MiB, results up to 3 MiB, calls up to 600 s",
      },
    ]);
    expect(evaluateRegistry([])).toEqual([]);
  });

  test("runs in more than one version during an upgrade, which is worth a word", () => {
    const nodes = ["1.2.3", "1.3.0", "1.2.3"].map((version, index) => ({ nodeId: `n${index}`, version }));
    const [check] = evaluateRegistry([told("a:1", { nodes })]);
    expect(check).toMatchObject({ status: "warn" });
    expect(check?.finding).toBe(
      "its nodes run different versions of Toolgate: 1.2.3 (2 of 3 nodes), 1.3.0 (1 of 3 nodes)",
    );
  });

  test.each([
    ["another name", { name: "other" }],
    ["other limits", { limits: { ...limits, maxPayloadBytes: 2 } }],
  ])("whose node says %s is worth a word", (_, more) => {
    const checks = evaluateRegistry([told("a:1"), told("b:1", more), told("c:1")]);
    expect(checks).toMatchObject([{ name: "node b:1", status: "warn" }]);
  });
});
