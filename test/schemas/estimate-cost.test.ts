import { expect, test } from "vitest";
import { estimateCost } from "../../src/schemas/estimate-cost.js";

test("counts every value, key and character", () => {
  const value = { ab: "xyz", c: [1, null, { d: true }] };
  const keys = 3 * 30;
  expect(estimateCost(value, { perValue: 1, perChar: 0 }, 1_000)).toBe(keys + 7);
  expect(estimateCost(value, { perValue: 0, perChar: 1 }, 1_000)).toBe(keys + 2 + 3 + 1 + 1);
  expect(estimateCost("abc", { perValue: 10, perChar: 2 }, 1_000)).toBe(16);
});

test("stops when it has enough", () => {
  const items = Array.from({ length: 100_000 }, () => 0);
  let looks = 0;
  const watched = new Proxy(items, {
    get(target, key) {
      looks++;
      return Reflect.get(target, key);
    },
  });
  expect(estimateCost(watched, { perValue: 1, perChar: 0 }, 10)).toBeGreaterThan(10);
  expect(looks).toBeLessThan(100);
  expect(estimateCost([[watched], watched], { perValue: 1, perChar: 0 }, 10)).toBeLessThan(20);
});
