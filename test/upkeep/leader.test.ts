import type { ChainableCommander } from "ioredis";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { SILENT_LOGGER } from "../../src/observe/logger.js";
import { Leader } from "../../src/upkeep/leader.js";
import { expectNoLeaks } from "../support/leaks.js";
import { redisForFile } from "../support/redis.js";
import { until } from "../support/until.js";

expectNoLeaks();
const redis = redisForFile();
const TTL_MS = 400;
const KEY = "toolgate:{test/0}:pinger";

/** A node's clock that a test can push forward: as if the process had been paused. */
interface Candidate {
  readonly leader: Leader;
  readonly elections: () => number;
  pause(ms: number): void;
}

function candidate(): Candidate {
  const client = redis().client({
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    commandTimeout: 100,
    retryStrategy: () => 20,
  });
  let aheadMs = 0;
  let elections = 0;
  const leader = new Leader({
    clients: [client],
    key: KEY,
    ttlMs: TTL_MS,
    monotonicMs: () => performance.now() + aheadMs,
    random: () => 0.5,
    log: SILENT_LOGGER,
    onElected: () => elections++,
  });
  onTestFinished(async () => {
    await leader.stop();
    client.disconnect();
  });
  return {
    leader,
    elections: () => elections,
    pause: (ms) => {
      aheadMs += ms;
    },
  };
}
const leading = (candidates: readonly Candidate[]) => candidates.filter(({ leader }) => leader.leads);
const elected = (candidates: readonly Candidate[]) =>
  until("one leads", () => {
    const [one] = leading(candidates);
    return one;
  });

let three: Candidate[];
beforeEach(() => {
  three = [candidate(), candidate(), candidate()];
  for (const { leader } of three) leader.start();
});

describe("of three nodes", () => {
  test("one leads, and goes on leading past its lock's time to live", async () => {
    const first = await elected(three);
    const client = redis().client();
    const values = new Set<string | null>();
    let extensions = 0;
    let most = 1;
    let last = await client.pttl(KEY);
    await until("the lock was extended several times", async () => {
      const left = await client.pttl(KEY);
      if (left > last) extensions++;
      last = left;
      values.add(await client.get(KEY));
      most = Math.max(most, leading(three).length);
      return extensions >= 4;
    });
    client.disconnect();
    expect(leading(three)).toEqual([first]);
    expect(most).toBe(1);
    expect(values.size).toBe(1);
    expect(three.map((one) => one.elections()).sort()).toEqual([0, 0, 1]);
  });

  test("the one that is stopped hands the lock over at once", async () => {
    const first = await elected(three);
    const client = redis().client();
    const lock = await client.get(KEY);
    await first.leader.stop();
    expect(first.leader.leads).toBe(false);
    // Given back, not left to run out.
    expect(await client.get(KEY)).not.toBe(lock);
    expect(await elected(three)).not.toBe(first);
    await first.leader.stop();
    client.disconnect();
  });

  test("the one that was paused past its deadline does not act, before it has even asked Redis", async () => {
    const first = await elected(three);
    first.pause(TTL_MS);
    expect(first.leader.leads).toBe(false);
    const next = await elected(three);
    expect(leading(three)).toEqual([next]);
  });

  test("none leads while Redis is frozen for longer than the lock lives; one does when it is back", async () => {
    await elected(three);
    await redis().freeze();
    await until("nobody leads", () => leading(three).length === 0);
    await redis().thaw();
    await elected(three);
    expect(leading(three)).toHaveLength(1);
  });

  test("a leader whose lock was taken by another stops leading when it finds out", async () => {
    const first = await elected(three);
    const client = redis().client();
    await client.set(KEY, "somebody else", "PX", 60_000);
    await until("it leads no more", () => !first.leader.leads);
    expect(leading(three)).toEqual([]);
    await client.del(KEY);
    await elected(three);
    client.disconnect();
  });

  test.each<[string, (into: ChainableCommander) => ChainableCommander]>([
    ["a value without expiry", (into) => into.set(KEY, "x")],
    ["a value that outlives every lock", (into) => into.set(KEY, "x", "PX", 3_600_000)],
    ["another type", (into) => into.lpush(KEY, "x")],
  ])("%s in the place of the lock is set aside, and one leads again", async (_, damage) => {
    await elected(three);
    const client = redis().client();
    await damage(client.multi().del(KEY)).exec();
    await until("the damage is gone", async () => (await client.exists("toolgate:{test/0}:damaged:pinger")) === 1);
    expect(await client.pttl("toolgate:{test/0}:damaged:pinger")).toBeGreaterThan(0);
    await until("one leads by a lock that expires", async () => {
      const left = await client.pttl(KEY);
      return left > 0 && left <= TTL_MS && leading(three).length === 1;
    });
    await client.del("toolgate:{test/0}:damaged:pinger");
    client.disconnect();
  });

  test("stopping all leaves no lock", async () => {
    await elected(three);
    await Promise.all(three.map(({ leader }) => leader.stop()));
    const client = redis().client();
    expect(await client.exists(KEY)).toBe(0);
    client.disconnect();
  });
});
