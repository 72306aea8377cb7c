import { expect, test } from "vitest";
import { RecentWork } from "../../src/schemas/recent-work.js";

test("counts half of what is a minute old, and knows who was slow for five minutes", () => {
  let nowMs = 0;
  const recent = new RecentWork(() => nowMs);
  expect([recent.of("a"), recent.isSlow("a")]).toEqual([0, false]);
  recent.add("a", 100, true);
  nowMs += 60_000;
  recent.add("a", 10, false);
  expect([recent.of("a"), recent.isSlow("a"), recent.of("b")]).toEqual([60, true, 0]);
  nowMs += 239_999;
  expect(recent.isSlow("a")).toBe(true);
  nowMs += 1;
  expect(recent.isSlow("a")).toBe(false);
});

test("knows what one job took, of late more than before", () => {
  let nowMs = 0;
  const recent = new RecentWork(() => nowMs);
  expect(recent.meanOf("a")).toBeUndefined();
  recent.add("a", 100, false);
  expect(recent.meanOf("a")).toBe(100);
  nowMs += 60_000;
  expect(recent.meanOf("a")).toBe(100);
  recent.add("a", 10, false);
  expect(recent.meanOf("a")).toBe(40);
});

test("forgets what was used least lately", () => {
  const recent = new RecentWork(() => 0);
  for (let index = 0; index <= 10_000; index++) {
    recent.add("kept", 1, false);
    recent.add(`${index}`, 1, false);
  }
  expect([recent.of("0"), recent.of("1"), recent.of("2"), recent.of("kept")]).toEqual([0, 0, 1, 10_001]);
});
