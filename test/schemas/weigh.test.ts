import { expect, test } from "vitest";
import { weigh } from "../../src/schemas/weigh.js";

test("counts every value, key and character", () => {
  const value = { ab: "xyz", c: [1, null, { d: true }] };
  const keys = 3 * 30;
  expect(weigh(value, { perValue: 1, perChar: 0 }, 1_000)).toBe(keys + 7);
  expect(weigh(value, { perValue: 0, perChar: 1 }, 1_000)).toBe(keys + 2 + 3 + 1 + 1);
  expect(weigh("abc", { perValue: 10, perChar: 2 }, 1_000)).toBe(16);
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
  expect(weigh(watched, { perValue: 1, perChar: 0 }, 10)).toBeGreaterThan(10);
  expect(looks).toBeLessThan(100);
  expect(weigh([[watched], watched], { perValue: 1, perChar: 0 }, 10)).toBeLessThan(20);
});
