import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BoundLimits } from "../../src/limits/call-limits.js";
import { MAX_HOLD_MS, OverLimit } from "../../src/limits/over-limit.js";
import type { CallLimit } from "../../src/store/call-limits/call-limit.js";
import { limitOf, rateOf } from "../store/call-limits/limits-fixture.js";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const LONG_MS = 60_000;
const HOUR_MS = 3_600_000;

/** What a node knows, and what becomes of calls that are held: each is named when it goes on. */
function node() {
  const over = new OverLimit(() => performance.now());
  const gone: string[] = [];
  const bound = (counted: readonly CallLimit[], reserved: readonly CallLimit[] = []): BoundLimits =>
    ({ counted, reserved }) as unknown as BoundLimits; // all that is looked at
  const call = (name: string, limits: BoundLimits, patienceMs = LONG_MS): boolean => {
    const held = over.hold(limits, patienceMs);
    void held?.then(() => gone.push(name));
    return held !== undefined;
  };
  const refuse = (limit: CallLimit, retryAfterMs: number | undefined, askedAtMs = performance.now()): void =>
    over.refused({ limit, retryAfterMs, resetMs: retryAfterMs, budgetLeft: undefined }, askedAtMs);
  return { call, bound, refuse, gone };
}

test("calls of who is over a limit go on together after a moment; nobody else's are held", async () => {
  const { call, bound, refuse, gone } = node();
  const [mine, other] = [rateOf(1, HOUR_MS, "mine"), rateOf(1, HOUR_MS, "other")];
  expect(call("first", bound([mine]))).toBe(false);
  refuse(mine, HOUR_MS);
  expect(call("a", bound([mine]))).toBe(true);
  await vi.advanceTimersByTimeAsync(MAX_HOLD_MS - 5);
  expect(call("b", bound([other, mine]))).toBe(true);
  expect(call("c", bound([other], [mine]))).toBe(true);
  expect(call("other", bound([other]))).toBe(false);
  expect(gone).toEqual([]);
  await vi.advanceTimersByTimeAsync(5);
  expect(gone).toEqual(["a", "b", "c"]);
  expect(call("d", bound([mine]))).toBe(true);
  await vi.advanceTimersByTimeAsync(MAX_HOLD_MS);
  expect(gone).toEqual(["a", "b", "c", "d"]);
});

test("a call is not held from when its limit may let it in, counted from when that was asked", async () => {
  const { call, bound, refuse } = node();
  const rate = rateOf(1, 100);
  const askedAtMs = performance.now();
  await vi.advanceTimersByTimeAsync(40); // the answer takes its time
  refuse(rate, 90, askedAtMs);
  await vi.advanceTimersByTimeAsync(49);
  expect(call("just before", bound([rate]))).toBe(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(call("then", bound([rate]))).toBe(false);
});

test("a rate that lets in one at once holds a call until then, and one that lets in several for no longer than that adds up", async () => {
  const { call, bound, refuse, gone } = node();
  for (const [burst, heldMs] of [
    [1, 3],
    [2, 11],
    [100, MAX_HOLD_MS],
  ] as const) {
    const rate = rateOf(burst, 8, `rate-${burst}`);
    refuse(rate, 3);
    expect(call(rate.subject, bound([rate]))).toBe(true);
    await vi.advanceTimersByTimeAsync(heldMs - 1);
    expect(gone).not.toContain(rate.subject);
    await vi.advanceTimersByTimeAsync(1);
    expect(gone).toContain(rate.subject);
  }
});

test("a budget that is spent for good holds calls for the same moment", async () => {
  const { call, bound, refuse, gone } = node();
  const total = limitOf("total", 3, "run");
  refuse(total, undefined);
  for (let round = 1; round <= 3; round++) {
    expect(call("call", bound([total]))).toBe(true);
    await vi.advanceTimersByTimeAsync(MAX_HOLD_MS);
    expect(gone).toHaveLength(round);
  }
});

test("nothing is held for limits of unfinished calls, whose places may be free at any time", () => {
  const { call, bound, refuse } = node();
  const running = limitOf("running", 3, "running");
  refuse(running, 250);
  expect(call("call", bound([running]))).toBe(false);
});

test("nor where its caller does not wait for long", () => {
  const { call, bound, refuse } = node();
  const rate = rateOf(1, HOUR_MS);
  refuse(rate, HOUR_MS);
  expect(call("call", bound([rate]), 2 * MAX_HOLD_MS - 1)).toBe(false);
});

test("nor by what is known of a document that was changed", () => {
  const { call, bound, refuse } = node();
  refuse(rateOf(1, HOUR_MS), HOUR_MS);
  expect(call("call", bound([rateOf(5, HOUR_MS)]))).toBe(false);
});
