import { expect, test } from "vitest";
import { after, timerMs } from "../../src/async/after.js";

test.each<[number, number]>([
  [-1, 0],
  [0, 0],
  [1.5, 1.5],
  [2 ** 31 - 1, 2 ** 31 - 1],
  [2 ** 31, 2 ** 31 - 1],
  [Number.POSITIVE_INFINITY, 2 ** 31 - 1],
  [Number.NaN, 2 ** 31 - 1],
])("a timer takes %d ms as %d", (ms, taken) => {
  expect(timerMs(ms)).toBe(taken);
});

test.each([undefined, 2 ** 31, Number.POSITIVE_INFINITY, Number.NaN])("what comes after %s ms never comes", (ms) => {
  expect(after(ms, () => {})).toBeUndefined();
});

test("what comes after less than no time comes at once", async () => {
  await new Promise<void>((resolve) => after(-1, resolve)?.ref());
});
