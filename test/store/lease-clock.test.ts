import { expect, test } from "vitest";
import { parseRegistryName } from "../../src/identity/names.js";
import { createKeyspace } from "../../src/redis/keys.js";
import { LeaseClock } from "../../src/store/lease-clock.js";
import { AWAY_AFTER_MS } from "../../src/store/presence.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

test("a shard that does not answer holds up its own leases, and no other's", () => {
  let nowMs = 1_000;
  const [away, there] = createKeyspace(parseRegistryName("default", "registry"), 2).shards;
  if (away === undefined || there === undefined) throw new Error("there are two");
  const clock = new LeaseClock({ nowMs: () => nowMs });
  for (const keys of [away, there]) clock.heard(keys, undefined);
  nowMs += 60 * AWAY_AFTER_MS;
  clock.heard(there, undefined);
  expect(clock.nowMs(away)).toBe(1_000);
  expect(clock.nowMs(there)).toBe(nowMs);
  clock.heard(away, 900); // it is back, and heeds its absence
  expect(clock.nowMs(away)).toBe(900);
  expect(clock.nowMs(there)).toBe(nowMs);
  clock.heard(away, undefined);
  expect(clock.nowMs(away)).toBe(nowMs);
});
