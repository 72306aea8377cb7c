import { expect, test } from "vitest";
import { areDistinct } from "../../src/schemas/distinct-items.js";

test.each<[unknown[], boolean]>([
  [[], true],
  [[1, "1", true, "true", null, "null", [], {}, "[]", "{}", ["1"], [1]], true],
  [[1, 1], false],
  [[0, -0], false],
  [["a", "b", "a"], false],
  [[null, null], false],
  [
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    false,
  ],
  [[{ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] }], true],
  [
    [
      [1, 2],
      [2, 1],
    ],
    true,
  ],
  [["\u0000{}", {}], true],
  [['"a', "a"], true],
  // Halves of characters, which no canonical form has.
  [[{ a: "\ud800" }, { a: "\ud801" }, { a: "\ufffd" }, ["\ud800"]], true],
  [
    [
      { "\ud800": 1, b: 2 },
      { b: 2, "\ud800": 1 },
    ],
    false,
  ],
])("%j", (items, expected) => {
  expect(areDistinct(items)).toBe(expected);
});

test("looks at each item a bounded number of times, however many there are", () => {
  let looks = 0;
  const items = Array.from({ length: 5_000 }, (_, id) =>
    Object.defineProperty({}, "id", {
      enumerable: true,
      get: () => {
        looks++;
        return id;
      },
    }),
  );
  expect(areDistinct(items)).toBe(true);
  expect(looks).toBeLessThanOrEqual(10 * items.length);
});
