import { describe, expect, test } from "vitest";
import { laterPositions, parseRevision } from "../../../src/catalog/revision.js";
import type { CatalogRedis, RawEntry } from "../../../src/redis/catalog-redis.js";
import { compareIds, judgeReading, readEntry, readFeed, START } from "../../../src/store/registry/change-feed.js";

const entry = (id: string): RawEntry => [id, ["kind", "registered", "toolset", "files", "epoch", "5"]];

test("a stream that is lost between two looks at it is a gap", async () => {
  const redis: Pick<CatalogRedis, "xrange" | "xinfo"> = {
    xrange: async () => [entry("1-0")],
    xinfo: () => Promise.reject(new Error("ERR no such key")),
  };
  expect(await readFeed(redis as CatalogRedis, "changes", START, 10)).toEqual({ kind: "gap" }); // all that it uses
});

describe("judging a read that starts at a position", () => {
  test("the entry at the position is still there: nothing was missed", () => {
    const reading = judgeReading({ id: "5-0" }, [entry("5-0"), entry("6-0")], 10, false);
    expect(reading).toEqual({ kind: "continuous", entries: [entry("6-0")], more: false });
  });

  test("a full page says that there may be more", () => {
    expect(judgeReading({ id: "5-0" }, [entry("5-0"), entry("6-0")], 2, false)).toMatchObject({ more: true });
  });

  test.each([
    ["trimmed away", [entry("7-0")]],
    ["gone with the whole stream", []],
  ])("the entry at the position was %s: a gap", (_, entries) => {
    expect(judgeReading({ id: "5-0" }, entries, 10, true)).toEqual({ kind: "gap" });
  });

  test("another entry under the same id is a gap for who knows the entry", () => {
    const [id, fields] = entry("5-0");
    const other: RawEntry = ["5-0", ["kind", "healthy", "toolset", "files", "epoch", "5"]];
    expect(judgeReading({ id, fields }, [entry("5-0")], 10, false)).toMatchObject({ kind: "continuous" });
    expect(judgeReading({ id, fields }, [other], 10, false)).toEqual({ kind: "gap" });
    expect(judgeReading({ id }, [other], 10, false)).toMatchObject({ kind: "continuous" });
  });

  test("before all, an empty stream is no gap, and a stream with all its entries neither", () => {
    expect(judgeReading({ id: "0-0" }, [], 10, false)).toEqual({ kind: "continuous", entries: [], more: false });
    expect(judgeReading({ id: "0-0" }, [entry("1-0")], 10, true)).toMatchObject({
      kind: "continuous",
      entries: [entry("1-0")],
    });
    expect(judgeReading({ id: "0-0" }, [entry("1-0")], 10, false)).toEqual({ kind: "gap" });
  });
});

describe("entries", () => {
  test("are read whatever the order of their fields", () => {
    expect(readEntry(["17-3", ["epoch", "5", "toolset", "files", "extra", "x", "kind", "healthy"]])).toEqual({
      id: "17-3",
      atMs: 17,
      kind: "healthy",
      toolset: "files",
      epoch: 5,
    });
  });

  test.each([
    ["an unknown kind", ["kind", "renamed", "toolset", "files", "epoch", "5"]],
    ["no toolset's name", ["kind", "healthy", "toolset", "Files!", "epoch", "5"]],
    ["no epoch", ["kind", "healthy", "toolset", "files"]],
    ["an epoch that is no number", ["kind", "healthy", "toolset", "files", "epoch", "0x5"]],
  ])("with %s are not ours", (_, fields) => {
    expect(readEntry(["1-0", fields])).toBeUndefined();
  });
});

describe("ids and revisions", () => {
  test("ids compare by time, then by a number of up to 64 bits", () => {
    const ids = ["2-0", "10-0", "10-2", "10-10", "10-18446744073709551614", "10-18446744073709551615"];
    for (let index = 1; index < ids.length; index++) {
      expect(compareIds(ids[index - 1] ?? "", ids[index] ?? "")).toBeLessThan(0);
      expect(compareIds(ids[index] ?? "", ids[index - 1] ?? "")).toBeGreaterThan(0);
    }
    expect(compareIds("10-2", "10-2")).toBe(0);
  });

  test("a revision is read only if it has an id for every shard", () => {
    expect(parseRevision("1-0,2-0", 2)).toEqual(["1-0", "2-0"]);
    for (const bad of ["", "1-0", "1-0,2-0,3-0", "1-0,x", "1-0,", "1-0,99999999999999999999999-0"]) {
      expect(parseRevision(bad, 2)).toBeUndefined();
    }
  });

  test("of two positions the later one counts, shard by shard", () => {
    expect(laterPositions(["5-0", "1-0"], ["4-9", "2-0"])).toEqual(["5-0", "2-0"]);
  });
});
