import type { Redis } from "ioredis";
import { describe, expect, test } from "vitest";
import { SampledRedisClock } from "../../src/redis/redis-time.js";

/** A Redis that is asked for its time only, and how long each way takes it, in milliseconds. */
function scripted() {
  const machine = { nowMs: 1_000, offsetMs: 1_764_000_000_000, thereMs: 1, backMs: 1 };
  const redis = {
    time: async () => {
      machine.nowMs += machine.thereMs;
      const redisMs = machine.nowMs + machine.offsetMs;
      machine.nowMs += machine.backMs;
      return [Math.floor(redisMs / 1_000), (redisMs % 1_000) * 1_000];
    },
  } as unknown as Redis; // nothing else is asked of it
  const clock = new SampledRedisClock(redis, () => machine.nowMs);
  const sample = async (): Promise<void> => {
    await clock.start();
    await clock.stop();
  };
  const error = (): number => clock.nowMs() - (machine.nowMs + machine.offsetMs);
  return { machine, sample, error };
}

describe("Redis's clock, as a node knows it", () => {
  test("is right to half of what the question took", async () => {
    const { machine, sample, error } = scripted();
    machine.backMs = 9;
    await sample();
    expect(Math.abs(error())).toBeLessThanOrEqual(5);
  });

  test("is not misled by an answer that came late, as after the process stood still", async () => {
    const { machine, sample, error } = scripted();
    await sample();
    machine.backMs = 1_900;
    await sample();
    expect(Math.abs(error())).toBeLessThanOrEqual(1);
  });

  test("becomes better with a quicker answer", async () => {
    const { machine, sample, error } = scripted();
    machine.backMs = 1_900;
    await sample();
    expect(Math.abs(error())).toBeGreaterThan(500);
    machine.backMs = 1;
    await sample();
    expect(Math.abs(error())).toBeLessThanOrEqual(2);
  });

  test("follows Redis when its clock is set, by a slow answer too", async () => {
    const { machine, sample, error } = scripted();
    await sample();
    machine.offsetMs += 60_000;
    machine.backMs = 100;
    await sample();
    expect(Math.abs(error())).toBeLessThanOrEqual(101);
    machine.offsetMs -= 120_000;
    await sample();
    expect(Math.abs(error())).toBeLessThanOrEqual(101);
  });
});
