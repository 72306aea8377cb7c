import { describe, expect, test } from "vitest";
import { runInSlices, runSync, type Steps } from "../../src/async/steps.js";
import { expectNoLeaks } from "../support/leaks.js";

expectNoLeaks();

const STEPS = 12;

/** Steps of a millisecond each, which note the turn of the event loop that each was done in. */
function* steps(name: string, clock: { turn: number }, done: string[]): Steps<string> {
  for (let step = 0; step < STEPS; step++) {
    const sinceMs = performance.now();
    while (performance.now() - sinceMs < 1);
    done.push(`${clock.turn}`);
    yield;
  }
  return name;
}

/** Counts the turns of the event loop while work goes on. */
async function countingTurns<Result>(work: (clock: { turn: number }) => Promise<Result>): Promise<Result> {
  const clock = { turn: 0 };
  let runs = true;
  const tick = (): void => {
    clock.turn++;
    if (runs) setImmediate(tick);
  };
  setImmediate(tick);
  try {
    return await work(clock);
  } finally {
    runs = false;
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  }
}

describe("work in slices", () => {
  test("holds no turn of the event loop for long, however much of it there is at once", async () => {
    const done: string[] = [];
    const names = Array.from({ length: 20 }, (_, index) => `work ${index}`);
    const ended = await countingTurns((clock) =>
      Promise.all(names.map((name) => runInSlices(steps(name, clock, done)))),
    );
    expect(ended).toEqual(names);
    const perTurn = new Map<string, number>();
    for (const turn of done) perTurn.set(turn, (perTurn.get(turn) ?? 0) + 1);
    expect(done.length).toBe(20 * STEPS);
    // Four milliseconds, and the step that is under way then; each alone took as much before.
    expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(5);
  });

  test("that is short is done in the turn in which it is asked for", async () => {
    const turns = await countingTurns(async (clock) => {
      await new Promise((resolve) => setImmediate(resolve)); // others' slices are over
      const from = clock.turn;
      const short = function* (): Steps<number> {
        yield;
        return clock.turn;
      };
      return [from, from, from].map(async (before) => [before, await runInSlices(short())]);
    });
    for (const [from, until] of await Promise.all(turns)) expect(until).toBe(from);
  });

  test("that fails leaves its place to the others", async () => {
    const fails = function* (): Steps<never> {
      yield;
      throw new Error("it failed");
    };
    const clock = { turn: 0 };
    const long = [runInSlices(steps("a", clock, [])), runInSlices(steps("b", clock, []))];
    await expect(runInSlices(fails())).rejects.toThrow("it failed");
    expect(await Promise.all(long)).toEqual(["a", "b"]);
    expect(runSync(steps("c", clock, []))).toBe("c");
  });
});
