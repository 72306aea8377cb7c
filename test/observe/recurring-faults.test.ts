import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { createLogger } from "../../src/observe/logger.js";
import { RecurringFaults } from "../../src/observe/recurring-faults.js";

let lines: Record<string, unknown>[];
let faults: RecurringFaults;
beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  const log = createLogger({ level: "info", to: { write: (line) => void lines.push(JSON.parse(line)) } });
  faults = new RecurringFaults(log, () => performance.now());
});
afterEach(() => {
  faults.stop();
  vi.useRealTimers();
});

const AWAY = new ToolgateError("STORE_UNAVAILABLE", "away");
/** A fault every `everyMs`. */
function comes(times: number, everyMs: number, fields: { readonly event: string; readonly [field: string]: unknown }) {
  for (let i = 0; i < times; i++) {
    faults.warn({ error: AWAY, ...fields, number: i }, everyMs);
    vi.advanceTimersByTime(everyMs);
  }
}

test("what comes a thousand times has two lines: the first one, and how often it came", () => {
  comes(1_000, 10, { event: "write_failed" });
  expect(lines).toMatchObject([{ level: "warn", event: "write_failed", number: 0, error: { message: "away" } }]);
  vi.advanceTimersByTime(60_000);
  expect(lines.slice(1)).toMatchObject([
    { level: "info", event: "fault_over", fault: "write_failed", times: 1_000, lastedMs: 9_990 },
  ]);
});

test("what comes again after it was over is news", () => {
  comes(2, 100, { event: "write_failed" });
  vi.advanceTimersByTime(60_000);
  comes(2, 100, { event: "write_failed" });
  expect(lines.map(({ event }) => event)).toEqual(["write_failed", "fault_over", "write_failed"]);
});

test("what comes once has one line", () => {
  comes(1, 100, { event: "write_failed" });
  vi.advanceTimersByTime(60_000);
  expect(lines.map(({ event }) => event)).toEqual(["write_failed"]);
});

test("what comes seldom is the same fault still, if it is said how seldom", () => {
  comes(5, 30_000, { event: "ping_failed" });
  vi.advanceTimersByTime(120_000);
  expect(lines.map(({ event, times }) => [event, times])).toEqual([
    ["ping_failed", undefined],
    ["fault_over", 5],
  ]);
});

test("an absent Redis is one fault for all toolsets; any other is each toolset's own, and so is another reason", () => {
  for (const toolset of ["a", "b"]) {
    faults.warn({ event: "take_failed", toolset, error: AWAY });
    faults.warn({ event: "take_failed", toolset, error: new Error("broken") });
  }
  faults.warn({ event: "other_failed", toolset: "a", error: AWAY });
  expect(lines.map(({ event, toolset }) => [event, toolset])).toEqual([
    ["take_failed", "a"],
    ["take_failed", "a"],
    ["take_failed", "b"],
    ["other_failed", "a"],
  ]);
});

test("at its end a node tells of what has not ended", () => {
  comes(3, 100, { event: "write_failed" });
  faults.stop();
  expect(lines.at(-1)).toMatchObject({ event: "fault_over", fault: "write_failed", times: 3 });
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(2);
});
