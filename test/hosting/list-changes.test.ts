import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ListChanges } from "../../src/hosting/list-changes.js";

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

/** How long each reading is put off while announcements come this often. */
async function readings(everyMs: number, count: number, forMs: number): Promise<number[]> {
  const changes = new ListChanges(Date.now);
  const at: number[] = [];
  const watch = async (): Promise<void> => {
    for (;;) {
      await changes.due;
      at.push(Date.now());
      changes.begin();
    }
  };
  void watch();
  for (let passed = 0; passed < forMs; passed += everyMs) {
    if (passed / everyMs < count) changes.announce();
    await vi.advanceTimersByTimeAsync(everyMs);
  }
  return at;
}

test("one announcement is read once, a quarter of a second later", async () => {
  expect(await readings(1_000, 1, 120_000)).toEqual([250]);
});

test("a storm is read ever more rarely, at last every 30 s", async () => {
  const at = await readings(50, 4_000, 200_000);
  const gaps = at.map((ms, index) => ms - (at[index - 1] ?? 0));
  expect(gaps.slice(0, 3)).toEqual([250, 500, 1_000]);
  expect(gaps.slice(8)).toEqual(gaps.slice(8).map(() => 30_000));
  expect(at.length).toBeLessThan(15);
});

test("the last announcement of a storm is read", async () => {
  const at = await readings(50, 100, 60_000);
  expect(at.at(-1)).toBeGreaterThan(99 * 50);
});

test("after a minute's quiet an announcement is read at once again", async () => {
  expect(await readings(61_000, 3, 200_000)).toEqual([250, 61_250, 122_250]);
});
