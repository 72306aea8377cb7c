import { describe, expect, test } from "vitest";
import { linkSignals } from "../../src/sdk/linked-signal.js";
import { backoffMs, settlesWithin, sleep } from "../../src/sdk/timing.js";

describe("the backoff", () => {
  test("doubles, is bounded, and is jittered by half", () => {
    expect([1, 2, 3, 7, 8, 1000].map((failures) => backoffMs(failures, () => 1))).toEqual([
      50, 100, 200, 3000, 3000, 3000,
    ]);
    expect(backoffMs(1, () => 0)).toBe(25);
    expect(backoffMs(1000, () => 0)).toBe(1500);
  });
});

describe("waiting", () => {
  test("ends with the signal's reason", async () => {
    const abort = new AbortController();
    const waiting = sleep(60_000, abort.signal);
    const reason = new Error("enough");
    abort.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  test("for a promise says whether it settled, in whatever way", async () => {
    expect(await settlesWithin(Promise.resolve(), 60_000)).toBe(true);
    expect(await settlesWithin(Promise.reject(new Error("no matter")), 60_000)).toBe(true);
    expect(await settlesWithin(new Promise(() => {}), 1)).toBe(false);
  });

  test.each([2 ** 31, Number.POSITIVE_INFINITY])(
    "for longer than a timer can, %d ms, does not end at once",
    async (ms) => {
      const abort = new AbortController();
      const ended: string[] = [];
      const waiting = Promise.all([
        sleep(ms, abort.signal).then(
          () => ended.push("slept"),
          () => {},
        ),
        settlesWithin(new Promise((resolve) => abort.signal.addEventListener("abort", resolve)), ms).then(
          (settled) => settled || ended.push("gave up"),
        ),
      ]);
      // Node takes what a timer cannot have for a millisecond: such a one would be over before this one.
      await sleep(20);
      expect(ended).toEqual([]);
      abort.abort();
      await waiting;
    },
  );
});

describe("linked signals", () => {
  test("abort with the first of their sources, and its reason", () => {
    const sources = [new AbortController(), new AbortController()];
    const linked = linkSignals(undefined, ...sources.map(({ signal }) => signal));
    expect(linked.signal.aborted).toBe(false);
    sources[1]?.abort("second");
    sources[0]?.abort("first");
    expect(linked.signal.reason).toBe("second");
    expect(linkSignals(AbortSignal.abort("already")).signal.reason).toBe("already");
  });

  test("do not follow any more once they are released", () => {
    const source = new AbortController();
    const linked = linkSignals(source.signal);
    linked.release();
    source.abort();
    expect(linked.signal.aborted).toBe(false);
  });
});
