import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RefusalFlood } from "../../../src/access/audit/refusal-flood.js";
import type { AuditRecord } from "../../../src/store/audit/audit-record.js";
import { recordOf } from "./audit-fixture.js";

let recorded: AuditRecord[];
let flood: RefusalFlood;

beforeEach(() => {
  vi.useFakeTimers();
  recorded = [];
  flood = new RefusalFlood(
    () => performance.now(),
    (record) => recorded.push(record),
  );
});
afterEach(() => {
  flood.stop();
  vi.useRealTimers();
});

test("of many refusals the first twenty are recorded, and how many followed", () => {
  for (let i = 0; i < 10_000; i++) flood.refused(recordOf({ reason: "FORBIDDEN", tool: `t${i}` }));
  expect(recorded).toHaveLength(20);
  vi.advanceTimersByTime(1_000);
  expect(recorded).toHaveLength(21);
  expect(recorded.at(-1)).toMatchObject({ reason: "FORBIDDEN", omitted: 9_980, tool: "" });
});

test("the next second has twenty of its own", () => {
  for (let i = 0; i < 21; i++) flood.refused(recordOf({}));
  vi.advanceTimersByTime(1_000);
  flood.refused(recordOf({}));
  expect(recorded.map(({ omitted }) => omitted)).toEqual([...Array(20).fill(0), 1, 0]);
});

test("each principal and reason is counted by itself", () => {
  for (let i = 0; i < 30; i++) {
    flood.refused(recordOf({ reason: "FORBIDDEN" }));
    flood.refused(recordOf({ reason: "RATE_LIMITED" }));
    flood.refused(recordOf({ principal: { tenant: "acme", id: "other" } }));
  }
  expect(recorded).toHaveLength(60);
  flood.stop();
  expect(recorded).toHaveLength(63);
});

test("very many principals share what is over a bound", () => {
  for (let i = 0; i < 5_000; i++) flood.refused(recordOf({ principal: { tenant: "acme", id: `p${i}` } }));
  flood.stop();
  expect(recorded.length).toBeLessThanOrEqual(1_021);
  expect(recorded.at(-1)).toMatchObject({ principal: { tenant: "", id: "" }, omitted: 3_980 });
});
