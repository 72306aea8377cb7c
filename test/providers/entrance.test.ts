import { expect, test } from "vitest";
import { type Deferred, deferred } from "../../src/async/deferred.js";
import { type Arrival, Entrance } from "../../src/providers/entrance.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

/** An entrance, what has begun there, by name, and the way to end it. */
function scene(more: Partial<ConstructorParameters<typeof Entrance>[0]> = {}) {
  const begun = new Map<string, Deferred<string>>();
  const gone = new Map<string, () => void>();
  let nowMs = 0;
  const entrance = new Entrance({
    ...{ maxUnderWay: 2, maxWaiting: 4, maxWaitingBytes: 1_000, maxWaitMs: 60_000 },
    monotonicMs: () => nowMs,
    random: () => 0.5,
    ...more,
  });
  const come = (name: string, arrival: Arrival = "register", bytes = 1, client = "any"): Promise<string> =>
    entrance.pass({ arrival, client, bytes, whenGone: (listener) => gone.set(name, listener) }, () => {
      const work = deferred<string>();
      begun.set(name, work);
      return work.promise;
    });
  return {
    entrance,
    come,
    names: () => [...begun.keys()],
    /** Ends the work of one, which took so long, and lets what follows from that happen. */
    async end(name: string, tookMs = 0): Promise<void> {
      nowMs += tookMs;
      begun.get(name)?.resolve(name);
      await new Promise((resolve) => setImmediate(resolve));
    },
    leave: (name: string) => gone.get(name)?.(),
  };
}

test("lets in some at once, and the next one when one of them is done: those that attach first", async () => {
  const { come, names, end, entrance } = scene();
  const all = [come("a"), come("b"), come("c"), come("d"), come("e", "attach"), come("f", "attach")];
  expect(names()).toEqual(["a", "b"]);
  expect(entrance.waiting).toBe(4);
  const order = ["a", "b", "e", "f", "c", "d"];
  for (const name of order) await end(name);
  expect(names()).toEqual(order);
  expect(await Promise.all(all)).toEqual(["a", "b", "c", "d", "e", "f"]);
  void come("g");
  void come("h");
  expect(names(), "as many at once as before").toEqual([...order, "g", "h"]);
  void come("i").catch(() => {});
  expect(names()).toHaveLength(order.length + 2);
});

test("a work that fails makes room all the same", async () => {
  const entrance = new Entrance({
    ...{ maxUnderWay: 1, maxWaiting: 4, maxWaitingBytes: 1_000, maxWaitMs: 60_000 },
    ...{ monotonicMs: () => 0, random: () => 0 },
  });
  const one = { arrival: "attach", client: "any", bytes: 0, whenGone: () => {} } as const;
  const first = entrance.pass(one, () => Promise.reject(new Error("lost")));
  const second = entrance.pass(one, async () => "well");
  await expect(first).rejects.toThrow("lost");
  expect(await second).toBe("well");
});

test("refuses those for whom there is no place to wait, and tells them to come again at different times", async () => {
  const chances = [0, 0.5, 0.99];
  const { come, entrance } = scene({ random: () => chances.shift() ?? 0 });
  for (const name of ["a", "b", "c", "d", "e", "f"]) void come(name);
  const refusals = await Promise.all(
    ["g", "h", "i"].map((name) => come(name).catch((error: { retryAfterMs: number }) => error)),
  );
  expect(refusals).toMatchObject(Array(3).fill({ reason: "NODE_BUSY", executed: "no" }));
  const times = refusals.map((refusal) => (refusal as { retryAfterMs: number }).retryAfterMs);
  expect(new Set(times).size).toBe(3);
  for (const ms of times) expect(ms).toBeGreaterThanOrEqual(500);
  expect(() => entrance.check("register", "any")).toThrow(/wait for this node/);
  expect(() => entrance.check("attach", "any"), "those that register take no place of others").not.toThrow();
  await expect(scene({ maxUnderWay: 0 }).come("large", "register", 1_001)).rejects.toMatchObject({
    reason: "NODE_BUSY",
  });
});

test("clients take turns, however many wait for one of them", async () => {
  const { come, names, end } = scene();
  const all = ["a", "b", "c", "d", "e"].map((name) => come(name, "register", 1, "greedy"));
  all.push(come("f", "register", 1, "other"));
  for (const name of ["a", "b", "c", "f", "d", "e"]) await end(name);
  expect(names()).toEqual(["a", "b", "c", "f", "d", "e"]);
  await Promise.all(all);
});

test("a client that fills a line keeps no other one out: its latest gives way", async () => {
  const { come, names, end, entrance } = scene();
  const greedy = ["a", "b", "c", "d", "e", "f"].map((name) => come(name, "register", 1, "greedy"));
  expect(() => entrance.check("register", "greedy")).toThrow(/wait for this node/);
  expect(() => entrance.check("register", "other")).not.toThrow();
  const refused = Promise.allSettled(greedy.slice(4));
  const other = [come("g", "register", 1, "other"), come("h", "register", 1, "other")];
  const busy = { status: "rejected", reason: { reason: "NODE_BUSY" } };
  expect(await refused).toMatchObject([busy, busy]);
  await expect(come("i", "register", 1, "other"), "it has as much as any").rejects.toMatchObject({
    reason: "NODE_BUSY",
  });
  for (const name of ["a", "b", "c", "g", "d", "h"]) await end(name);
  expect(names()).toEqual(["a", "b", "c", "g", "d", "h"]);
  await Promise.all([...greedy.slice(0, 4), ...other]);
});

test("nor does one that fills it with large contracts", async () => {
  const { come, names, end } = scene({ maxUnderWay: 1 });
  const first = come("a", "register", 1, "greedy");
  const large = ["b", "c"].map((name) => come(name, "register", 500, "greedy"));
  const refused = expect(large[1]).rejects.toMatchObject({ reason: "NODE_BUSY" });
  const small = come("d", "register", 1, "other");
  await refused;
  for (const name of ["a", "b", "d"]) await end(name);
  expect(names()).toEqual(["a", "b", "d"]);
  await Promise.all([first, large[0], small]);
});

test("attaching without end keeps nobody from registering", async () => {
  const { come, names, end } = scene({ maxUnderWay: 1 });
  const all = [come("first"), come("new")];
  for (let index = 0; index < 3; index++) all.push(come(`again ${index}`, "attach"));
  await end("first");
  for (let index = 0; index < 12 && !names().includes("new"); index++) {
    all.push(come(`again ${index + 3}`, "attach"));
    await end(names().at(-1) ?? "");
  }
  expect(names()).toContain("new");
  while (names().length < all.length) await end(names().at(-1) ?? "");
  await end(names().at(-1) ?? "");
  await Promise.all(all);
});

test("tells those that it refuses to stay away for longer where one takes longer", async () => {
  const retryAfter = async (tookMs: number): Promise<number> => {
    const { come, end } = scene();
    const all = [come("a"), come("b")];
    for (let index = 0; index < 40; index++) {
      await end(index % 2 === 0 ? "a" : "b", tookMs);
      all.push(come(index % 2 === 0 ? "a" : "b"));
    }
    for (const name of ["c", "d", "e", "f"]) void come(name);
    const refusal = await come("g").catch((error: { retryAfterMs: number }) => error);
    await Promise.all(all.slice(0, 40));
    return (refusal as { retryAfterMs: number }).retryAfterMs;
  };
  expect(await retryAfter(1_000)).toBeGreaterThan(3 * (await retryAfter(1)));
});

test("does nothing for one that has gone while it waited", async () => {
  const { come, names, end, leave, entrance } = scene();
  void come("a");
  void come("b");
  const left = come("c");
  const stayed = come("d");
  leave("c");
  await expect(left).rejects.toMatchObject({ reason: "NODE_BUSY" });
  await end("a");
  expect(names()).toEqual(["a", "b", "d"]);
  leave("d"); // it is let in: that it goes is its session's to notice
  await end("d");
  expect(await stayed).toBe("d");
  expect(entrance.waiting).toBe(0);
});

test("refuses one that has waited for too long", async () => {
  const { come, names } = scene({ maxWaitMs: 10, monotonicMs: () => performance.now() });
  void come("a");
  void come("b");
  await expect(come("c")).rejects.toMatchObject({ reason: "NODE_BUSY" });
  expect(names()).toEqual(["a", "b"]);
});
