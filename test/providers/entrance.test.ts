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
  const come = (name: string, arrival: Arrival = "register", bytes = 1): Promise<string> =>
    entrance.pass(
      arrival,
      bytes,
      (listener) => gone.set(name, listener),
      () => {
        const work = deferred<string>();
        begun.set(name, work);
        return work.promise;
      },
    );
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
  const never = (): void => {};
  const first = entrance.pass("attach", 0, never, () => Promise.reject(new Error("lost")));
  const second = entrance.pass("attach", 0, never, async () => "well");
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
  expect(() => entrance.check("register")).toThrow(/wait for this node/);
  expect(() => entrance.check("attach"), "those that register take no place from those that attach").not.toThrow();
  await expect(scene({ maxUnderWay: 0 }).come("large", "register", 1_001)).rejects.toMatchObject({
    reason: "NODE_BUSY",
  });
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
