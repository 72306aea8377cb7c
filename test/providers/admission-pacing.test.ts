import { expect, test } from "vitest";
import { type Deferred, deferred } from "../../src/async/deferred.js";
import { AdmissionPacing, type Arrival } from "../../src/providers/admission-pacing.js";
import { AdmissionRate } from "../../src/providers/admission-rate.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

/** A pacing, what has begun there, by name, and the way to end it. */
function scene(more: Partial<ConstructorParameters<typeof AdmissionPacing>[0]> = {}) {
  const begun = new Map<string, Deferred<string>>();
  const gone = new Map<string, () => void>();
  let nowMs = 0;
  const pacing = new AdmissionPacing({
    ...{ maxUnderWay: 2, maxWaiting: 4, maxWaitingBytes: 1_000, maxWaitMs: { register: 60_000, attach: 60_000 } },
    ...{ monotonicMs: () => nowMs, random: () => 0.5, busyShare: () => 0 },
    ...more,
  });
  const come = (
    name: string,
    arrival: Arrival = "register",
    bytes = 1,
    client = "any",
    patienceMs?: number,
  ): Promise<string> =>
    pacing.run({ arrival, client, bytes, patienceMs, whenGone: (listener) => gone.set(name, listener) }, () => {
      const work = deferred<string>();
      begun.set(name, work);
      return work.promise;
    });
  return {
    pacing,
    come,
    arrive: (client: string, arrival: Arrival = "register"): Promise<void> => pacing.check({ arrival, client }),
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
  const { come, names, end, pacing } = scene();
  const all = [come("a"), come("b"), come("c"), come("d"), come("e", "attach"), come("f", "attach")];
  expect(names()).toEqual(["a", "b"]);
  expect(pacing.waiting).toBe(4);
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
  const pacing = new AdmissionPacing({
    ...{ maxUnderWay: 1, maxWaiting: 4, maxWaitingBytes: 1_000, maxWaitMs: { register: 60_000, attach: 60_000 } },
    ...{ monotonicMs: () => 0, random: () => 0, busyShare: () => 0 },
  });
  const one = { arrival: "attach", client: "any", bytes: 0, whenGone: () => {} } as const;
  const first = pacing.run(one, () => Promise.reject(new Error("lost")));
  const second = pacing.run(one, async () => "well");
  await expect(first).rejects.toThrow("lost");
  expect(await second).toBe("well");
});

test("refuses those for whom there is no place to wait, and gives each of them a turn of its own to come again", async () => {
  const { come, arrive, end } = scene();
  for (const name of ["a", "b", "c", "d", "e", "f"]) void come(name);
  for (const name of ["a", "b", "c"]) await end(name, 30_000); // a turn takes long here
  for (const name of ["g", "h", "i"]) void come(name);
  const refusals = await Promise.all(
    ["j", "k", "l"].map((name) => come(name).catch((error: { retryAfterMs: number }) => error)),
  );
  expect(refusals).toMatchObject(Array(3).fill({ reason: "NODE_BUSY", executed: "no" }));
  const times = refusals.map((refusal) => (refusal as { retryAfterMs: number }).retryAfterMs);
  expect(times[0]).toBeGreaterThan(500);
  for (const [index, ms] of times.slice(1).entries()) expect(ms).toBeGreaterThan(times[index] ?? 0);
  await expect(arrive("any")).rejects.toThrow(/wait for this node/);
  await arrive("any", "attach"); // those that register take no place of others
  await expect(scene({ maxUnderWay: 0 }).come("large", "register", 1_001)).rejects.toMatchObject({
    reason: "NODE_BUSY",
  });
});

test("lets no more wait than are let in before they lose patience, or the node does", async () => {
  const { come } = scene({ maxWaiting: 100, maxWaitMs: { register: 400, attach: 60_000 } });
  for (let index = 0; index < 2 + 40; index++) void come(`${index}`).catch(() => {});
  const busy = { reason: "NODE_BUSY" };
  await expect(come("late"), "a turn is thought to take 10 ms").rejects.toMatchObject(busy);

  const { come: comeThere } = scene({ maxWaiting: 100 });
  for (let index = 0; index < 2 + 40; index++) void comeThere(`${index}`).catch(() => {});
  await expect(comeThere("in a hurry", "register", 1, "any", 400)).rejects.toMatchObject(busy);
  const outcome = await Promise.race([comeThere("patient"), new Promise((resolve) => setImmediate(resolve, "waits"))]);
  expect(outcome).toBe("waits");
});

test("each of many that come at once is refused about once, and comes again when there is a place for it", async () => {
  const { come, names, end } = scene({ maxWaiting: 64, maxUnderWay: 1 });
  const turnMs = 10;
  const count = 1_000;
  let nowMs = 0;
  let refusals = 0;
  /** When each of those that are outside comes. */
  const outside = new Map(Array.from({ length: count }, (_, index) => [`${index}`, 0]));
  for (let let_in = 0; let_in < count; ) {
    for (const [name, atMs] of outside) {
      if (atMs > nowMs) continue;
      outside.delete(name);
      void come(name).catch(({ retryAfterMs }: { retryAfterMs: number }) => {
        refusals++;
        outside.set(name, nowMs + retryAfterMs * (1 + (refusals % 8) / 16)); // as the SDK stretches it
      });
    }
    await new Promise((resolve) => setImmediate(resolve));
    const last = names().at(-1);
    if (last !== undefined && names().length > let_in) {
      await end(last, turnMs);
      let_in++;
    } else await end("", turnMs); // no provider is there: that time is lost
    nowMs += turnMs;
  }
  expect(refusals).toBeLessThan(3 * count);
  expect(nowMs).toBeLessThan(1.3 * count * turnMs);
});

test("lets providers in more slowly the busier the node is, and without a pause once it is not", async () => {
  let busy = 1;
  let nowMs = 0;
  const rate = new AdmissionRate({ busyShare: () => busy });
  const admit = (times: number): number => {
    const startedMs = nowMs;
    for (let time = 0; time < times; time++) {
      nowMs += Math.max(1, rate.waitMs(nowMs));
      rate.admitted(nowMs);
    }
    return (nowMs - startedMs) / times;
  };
  admit(1_000);
  expect(admit(100), "at most 8 ms").toBeCloseTo(8, 0);
  busy = 0.3;
  admit(1_000);
  expect(admit(100)).toBe(1);
});

test("thousands that come in one turn of the event loop are refused in many turns", async () => {
  let nowMs = 0;
  const monotonicMs = () => {
    nowMs += 0.1; // what it takes from one look at the clock to the next
    return nowMs;
  };
  const { arrive, come } = scene({ maxWaiting: 1, monotonicMs });
  for (const name of ["a", "b", "c"]) void come(name);
  const count = 2_000;
  let refused = 0;
  let most = 0;
  for (let index = 0; index < count; index++) void arrive("any").catch(() => refused++);
  for (let before = 0; refused < count; before = refused) {
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, refused - before);
  }
  expect(most).toBeLessThan(100);
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
  const { come, names, end, arrive } = scene();
  const greedy = ["a", "b", "c", "d", "e", "f"].map((name) => come(name, "register", 1, "greedy"));
  await expect(arrive("greedy")).rejects.toThrow(/wait for this node/);
  await arrive("other");
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
    const all = Array.from({ length: 6 }, (_, index) => come(`${index}`));
    for (let index = 0; index < 60; index++) {
      await end(`${index}`, tookMs);
      all.push(come(`${index + 6}`));
    }
    const refusal = await come("late").catch((error: { retryAfterMs: number }) => error);
    for (let index = 60; index < 66; index++) await end(`${index}`);
    await Promise.all(all);
    return (refusal as { retryAfterMs: number }).retryAfterMs;
  };
  expect(await retryAfter(10_000)).toBeGreaterThan(3 * (await retryAfter(1)));
});

test("does nothing for one that has gone while it waited", async () => {
  const { come, names, end, leave, pacing } = scene();
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
  expect(pacing.waiting).toBe(0);
});

test("refuses one that has waited for too long", async () => {
  const { come, names } = scene({ maxWaitMs: { register: 10, attach: 60_000 }, monotonicMs: () => performance.now() });
  void come("a");
  void come("b");
  await expect(come("c")).rejects.toMatchObject({ reason: "NODE_BUSY" });
  expect(names()).toEqual(["a", "b"]);
});
