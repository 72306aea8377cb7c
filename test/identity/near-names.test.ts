import { describe, expect, test } from "vitest";
import { editDistance } from "../../src/identity/edit-distance.js";
import { didYouMean, nearNames } from "../../src/identity/near-names.js";

/** The same distance without any short cut. */
function plainDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (_, j) => i || j));
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.NaN;
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const ways = [at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)];
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) ways.push(at(i - 2, j - 2) + 1);
      (rows[i] as number[])[j] = Math.min(...ways); // a row that was made above
    }
  return at(a.length, b.length);
}

describe("edit distance", () => {
  test("random texts are as far apart as without any short cut", () => {
    let seed = 20_261_130;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >>> 8) % below;
    };
    const text = (): string => Array.from({ length: random(9) }, () => "abc"[random(3)]).join("");
    let near = 0;
    for (let n = 0; n < 20_000; n++) {
      const [a, b, max] = [text(), text(), random(5)];
      const distance = plainDistance(a, b);
      if (distance <= max) near++;
      expect(editDistance(a, b, max), `${a} ${b} ${max}`).toBe(distance <= max ? distance : undefined);
    }
    expect(near).toBeGreaterThan(1_000);
  });

  test.each([
    ["same", "same", 0],
    ["files", "file", 1],
    ["files", "flies", 1],
    ["files", "fires", 1],
    ["ab", "ba", 1],
    ["kitten", "sitting", 3],
    ["", "abc", 3],
    ["abcdef", "badcfe", 3],
  ])("%s and %s are %i apart, either way round", (a, b, distance) => {
    expect(editDistance(a, b, 3)).toBe(distance);
    expect(editDistance(b, a, 3)).toBe(distance);
    if (distance > 0) expect(editDistance(a, b, distance - 1)).toBeUndefined();
  });

  test("agrees with the definition on all short words", () => {
    const letters = ["", "a", "b", "c"];
    const words = letters.flatMap((a) =>
      letters.flatMap((b) => letters.flatMap((c) => letters.map((d) => a + b + c + d))),
    );
    const all = [...new Set(words)];
    for (const a of all) for (const b of all) expect(editDistance(a, b, 9)).toBe(byDefinition(a, b));
  });
});

/** Optimal string alignment, as textbooks write it. */
function byDefinition(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const cost = a.at(-1) === b.at(-1) ? 0 : 1;
  const shorterA = a.slice(0, -1);
  const shorterB = b.slice(0, -1);
  const swapped = a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1);
  return Math.min(
    byDefinition(shorterA, b) + 1,
    byDefinition(a, shorterB) + 1,
    byDefinition(shorterA, shorterB) + cost,
    swapped ? byDefinition(a.slice(0, -2), b.slice(0, -2)) + 1 : Number.POSITIVE_INFINITY,
  );
}

describe("near names", () => {
  test("are those with the fewest slips, nearest first, at most three", () => {
    expect(nearNames("fliesystem", ["filesystem", "filesystems", "databases"])).toEqual(["filesystem", "filesystems"]);
    expect(nearNames("gitbuh", ["gitlab", "github", "git"])).toEqual(["github", "git"]);
    expect(nearNames("aaaa", ["aaab", "aaac", "aaad", "aaae"])).toEqual(["aaab", "aaac", "aaad"]);
  });

  test("are found whatever their case, and when only the beginning was written", () => {
    expect(nearNames("Files", ["files"])).toEqual(["files"]);
    expect(nearNames("git", ["github", "slack"])).toEqual(["github"]);
  });

  test("are none when nothing is near", () => {
    expect(nearNames("weather", ["files", "github"])).toEqual([]);
    expect(nearNames("", ["files"])).toEqual([]);
    expect(didYouMean([])).toBe("");
  });

  test("are found among 10,000 names, for a name however long", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => `toolset-number-${index}`);
    expect(nearNames("toolset-numbre-4711", names)[0]).toBe("toolset-number-4711");
    expect(nearNames("x".repeat(100_000), names)).toEqual([]);
    expect(didYouMean(["a", "b"])).toBe('; did you mean "a" or "b"?');
  });
});
