import { expect, test } from "vitest";
import { Identities } from "../../src/schemas/distinct-items.js";

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
  expect(new Identities().areDistinct(items)).toBe(expected);
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
  expect(new Identities().areDistinct(items)).toBe(true);
  expect(looks).toBeLessThanOrEqual(10 * items.length);
});

test("looks at a value once, however many arrays around it ask", () => {
  let looks = 0;
  const inner = Object.defineProperty({}, "id", {
    enumerable: true,
    get: () => {
      looks++;
      return 1;
    },
  });
  const arrays: unknown[][] = [[inner]];
  for (let depth = 0; depth < 60; depth++) arrays.push([arrays.at(-1), depth]);
  const identities = new Identities();
  for (const array of arrays.reverse()) expect(identities.areDistinct(array)).toBe(true);
  expect(looks).toBe(1);
  // It forgets: another value may have the same parts in other places.
  identities.clear();
  expect(identities.areDistinct([{ id: 2 }, inner])).toBe(true);
  expect(looks).toBe(2);
});
