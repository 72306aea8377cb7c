import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { TimeSlice } from "../../src/async/time-slice.js";

test("many that work by one slice hold the thread no longer than one does, and take turns", async () => {
  let nowMs = 0;
  const slice = new TimeSlice(() => nowMs, 4);
  const done: number[] = [];
  const work = async (worker: number) => {
    for (let step = 0; step < 10; step++) {
      if (slice.over()) await slice.next();
      nowMs += 1;
    }
    done.push(worker);
  };
  let running = true;
  const all = Promise.all(Array.from({ length: 50 }, (_, worker) => work(worker))).finally(() => {
    running = false;
  });
  const turns: number[] = [];
  for (let last = 0; running; last = nowMs) {
    await setImmediate();
    turns.push(nowMs - last);
  }
  await all;
  expect(turns.reduce((sum, ms) => sum + ms, 0)).toBe(500);
  // Two of ours may fall between two looks.
  expect(Math.max(...turns)).toBeLessThanOrEqual(8);
  expect(done).toHaveLength(50);
  expect(done.indexOf(0)).toBeLessThan(done.indexOf(49));
});

test("a slice that nothing has used for a turn is a new one", async () => {
  let nowMs = 0;
  const slice = new TimeSlice(() => nowMs, 4);
  expect(slice.over()).toBe(false);
  nowMs += 4;
  expect(slice.over()).toBe(true);
  await setImmediate();
  expect(slice.over()).toBe(false);
});
