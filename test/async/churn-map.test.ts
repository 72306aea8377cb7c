import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { ChurnMap } from "../../src/async/churn-map.js";

/** Far beyond what it takes to move. */
const MANY = 20_000;

describe("a churn map", () => {
  test("holds what was set and not deleted, in the order of its addition, however much passes", () => {
    const map = new ChurnMap<number, string>();
    for (let key = 0; key < MANY; key++) {
      map.set(key, `v${key}`);
      if (key >= 3) expect(map.delete(key - 2)).toBe(true);
      expect(map.get(key)).toBe(`v${key}`);
      expect(map.get(0)).toBe("v0");
    }
    map.set(0, "again");
    expect(map.size).toBe(3);
    expect(map.keys()).toEqual([0, MANY - 2, MANY - 1]);
    expect(map.values()).toEqual(["again", `v${MANY - 2}`, `v${MANY - 1}`]);
    expect(map.delete(1)).toBe(false);
    expect(map.has(1)).toBe(false);
    expect(map.has(MANY - 1)).toBe(true);
    map.clear();
    expect(map.size).toBe(0);
    expect(map.has(0)).toBe(false);
  });

  test("gives a list of now", () => {
    const map = new ChurnMap<number, number>();
    for (let key = 0; key < 10; key++) map.set(key, key);
    for (const key of map.keys()) {
      map.delete(key);
      map.set(key + 100, key);
    }
    expect(map.keys()).toEqual([100, 101, 102, 103, 104, 105, 106, 107, 108, 109]);
  });

  test("leaves what was deleted to minor collections", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as (options?: { type: "minor" }) => void;
    const map = new ChurnMap<number, number[]>();
    collect();
    const before = process.memoryUsage().heapUsed;
    for (let key = 0; key < 10 * MANY; key++) {
      map.set(
        key,
        Array.from({ length: 16 }, () => key),
      );
      map.delete(key - 10);
    }
    collect({ type: "minor" });
    collect({ type: "minor" });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(8_000_000);
  });
});
