import { expect, test } from "vitest";
import { TimeSlice } from "../../src/async/time-slice.js";
import { ContractText, createContractCache } from "../../src/catalog/contract-text.js";
import { ShardCopy, type ShardListener } from "../../src/catalog/shard-copy.js";
import type { ToolsetView } from "../../src/catalog/toolset-view.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import type { CatalogRedis } from "../../src/redis/catalog-redis.js";
import { until } from "../support/until.js";
import { contract } from "./hand-written-catalog.js";

const KEYS = { toolsets: "toolsets", health: "health", changes: "changes", changed: "changed" };
const NEVER_MS = 3_600_000;

test("a pass over the health that fails waits for the next sweep, and does not spin", async () => {
  const { contract: files, digest, canonicalJson } = sealContract(contract("files"));
  const record = { name: "files", owner: "", epochs: [{ epoch: 1, digest, version: files.version, state: "active" }] };
  const views = new Map<string, ToolsetView>();
  let nowMs = 0;
  let healthReads = 0;
  let failures = 0;
  const redis: CatalogRedis = {
    status: "ready",
    hlen: async () => 1,
    hscan: async (key) => [
      "0",
      key === KEYS.toolsets ? ["files", JSON.stringify(record), "files@1", canonicalJson] : [],
    ],
    hmget: async () => {
      healthReads++;
      nowMs += 2_000; // so long that the next pass is due already
      throw new Error("Command timed out");
    },
    xrange: async () => [],
    xrevrange: async () => [],
    xinfo: async () => [],
  };
  const cache = createContractCache(1);
  const listener: ShardListener = {
    put: (name, view) => void (view === undefined ? views.delete(name) : views.set(name, view)),
    get: (name) => views.get(name),
    contract: (name, epoch, text) => ContractText.check(name, epoch.digest, text, cache, () => {}) ?? "another digest",
    changed: () => {},
    reloaded: () => {},
    refreshed: () => {},
    faults: () => {},
    contact: () => {},
    failed: () => failures++,
  };
  const times = { sweepMs: NEVER_MS, healthMs: 100 };
  const shard = new ShardCopy(redis, KEYS, listener, times, () => nowMs, new TimeSlice(() => nowMs));
  await shard.start();
  try {
    await shard.catchUp();
    expect([views.size, healthReads, failures]).toEqual([1, 0, 0]);
    nowMs = 150;
    shard.notify();
    await until("the pass has failed", () => failures > 0);
    // A spinning loop is back long before thirty timers have run.
    for (let tick = 0; tick < 30; tick++) await new Promise<void>((resolve) => setTimeout(resolve, 1));
    expect([healthReads, failures]).toEqual([1, 1]);
  } finally {
    await shard.stop();
  }
});
