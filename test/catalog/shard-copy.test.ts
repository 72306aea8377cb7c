import { expect, test } from "vitest";
import type { CatalogRedis } from "../../src/catalog/change-feed.js";
import { ShardCopy, type ShardListener } from "../../src/catalog/shard-copy.js";
import { TimeSlice } from "../../src/catalog/time-slice.js";
import type { ToolsetView } from "../../src/catalog/toolset-view.js";
import { parseToolsetName } from "../../src/identity/names.js";
import { until } from "../support/until.js";

const KEYS = { toolsets: "toolsets", health: "health", changes: "changes", changed: "changed" };
const NEVER_MS = 3_600_000;

test("a pass over the health that fails waits for the next sweep, and does not spin", async () => {
  let nowMs = 0;
  let healthReads = 0;
  let failures = 0;
  const redis: CatalogRedis = {
    status: "ready",
    hlen: async () => 1,
    hscan: async () => ["0", []],
    hmget: async () => {
      healthReads++;
      throw new Error("Command timed out");
    },
    xrange: async () => [],
    xrevrange: async () => [],
    xinfo: async () => [],
  };
  const listener: ShardListener = {
    put: () => {},
    get: (): ToolsetView | undefined => undefined,
    changed: () => {},
    reloaded: () => {},
    refreshed: () => {},
    faults: () => {},
    contract: () => "none",
    contact: () => {},
    failed: () => failures++,
  };
  const times = { sweepMs: NEVER_MS, healthMs: 100 };
  const shard = new ShardCopy(redis, KEYS, listener, times, () => nowMs, new TimeSlice(() => nowMs));
  await shard.start();
  try {
    // Asking for a toolset is answered with the error, once per question.
    const name = parseToolsetName("files", "name");
    await expect(shard.refresh(name)).rejects.toMatchObject({ reason: "STORE_UNAVAILABLE", executed: "no" });
    nowMs = 150;
    shard.ring();
    await until("the failure is told", () => failures === 1);
    const before = healthReads;
    for (let tick = 0; tick < 30; tick++) await new Promise<void>((resolve) => setTimeout(resolve, 1));
    expect(healthReads).toBe(before);
    expect(failures).toBe(1);
  } finally {
    await shard.stop();
  }
});
