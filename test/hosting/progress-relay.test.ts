import { expect, test } from "vitest";
import type { Progress } from "../../src/hosting/progress.js";
import { ProgressRelay } from "../../src/hosting/progress-relay.js";

const steps = (count: number): Progress[] => Array.from({ length: count }, (_, index) => ({ progress: index + 1 }));

test("progress passes in order, one at a time", async () => {
  const seen: number[] = [];
  let under = 0;
  const relay = new ProgressRelay(
    async ({ progress }) => {
      under += 1;
      expect(under).toBe(1);
      await Promise.resolve();
      under -= 1;
      seen.push(progress);
    },
    () => 0,
  );
  for (const progress of steps(20)) relay.offer(progress);
  await relay.finish();
  expect(seen).toEqual(steps(20).map(({ progress }) => progress));
});

test("a flood is thinned out: the latest stands for those before it, and is the last to pass", async () => {
  const seen: number[] = [];
  const relay = new ProgressRelay(
    async ({ progress }) => {
      seen.push(progress);
    },
    () => 0,
  );
  for (const progress of steps(100_000)) relay.offer(progress);
  await relay.finish();
  expect(seen.length).toBeLessThanOrEqual(102);
  expect(seen.at(-1)).toBe(100_000);
});

test("an emit that fails ends the relay, not the call", async () => {
  const relay = new ProgressRelay(
    async () => {
      throw new Error("stopped");
    },
    () => 0,
  );
  for (const progress of steps(3)) relay.offer(progress);
  await relay.finish();
});
