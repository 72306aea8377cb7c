import { expect, test } from "vitest";
import { BatchSize } from "../../../src/store/calls/batch-size.js";

test.each([
  [1, 8],
  [16, 8],
  [17, 9],
  [40, 20],
  [64, 32],
  [5_000, 32],
])("of %i calls under way a script handles %i: half of them, within bounds", (underWay, size) => {
  expect(
    new BatchSize(
      () => underWay,
      () => 0,
    ).get(),
  ).toBe(size);
});

test("what counts is the most that was under way a moment ago, and no longer", () => {
  let [underWay, nowMs] = [50, 1_000];
  const size = new BatchSize(
    () => underWay,
    () => nowMs,
  );
  expect(size.get()).toBe(25);
  underWay = 20;
  nowMs += 99;
  expect(size.get()).toBe(25);
  nowMs += 100;
  expect(size.get()).toBe(25);
  nowMs += 100;
  expect(size.get()).toBe(10);
  underWay = 60;
  expect(size.get()).toBe(30);
  underWay = 0;
  nowMs += 1_000;
  expect(size.get()).toBe(8);
});
