import { describe, expect, test } from "vitest";
import { type Deferred, deferred } from "../../src/async/deferred.js";
import { TurnBatch } from "../../src/redis/turn-batch.js";

/** Batches as they were handed on, each waiting to be answered. */
class Runs {
  readonly batches: { readonly items: readonly number[]; readonly answer: Deferred<readonly string[]> }[] = [];
  readonly run = (items: readonly number[]): Promise<readonly string[]> => {
    const answer = deferred<readonly string[]>();
    this.batches.push({ items: [...items], answer });
    return answer.promise;
  };
  get items(): (readonly number[])[] {
    return this.batches.map(({ items }) => items);
  }
  answer(index: number): void {
    const batch = this.batches[index];
    batch?.answer.resolve(batch.items.map((item) => `answer ${item}`));
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("a batch", () => {
  test("holds what one turn of the event loop produced, and answers each item", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 10 }, runs.run);
    const answers = [batch.add(1), batch.add(2)];
    await Promise.resolve().then(() => answers.push(batch.add(3)));
    expect(runs.items).toEqual([]);
    await turn();
    expect(runs.items).toEqual([[1, 2, 3]]);
    runs.answer(0);
    expect(await Promise.all(answers)).toEqual(["answer 1", "answer 2", "answer 3"]);
  });

  test("that is full goes at once", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 3 }, runs.run);
    const answers = range(7).map((item) => batch.add(item));
    expect(runs.items).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    await turn();
    expect(runs.items[2]).toEqual([6]);
    for (const index of [2, 0, 1]) runs.answer(index);
    expect(await Promise.all(answers)).toEqual(range(7).map((item) => `answer ${item}`));
  });

  test("does not wait for the one before", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 10 }, runs.run);
    const first = batch.add(1);
    await turn();
    const second = batch.add(2);
    await turn();
    expect(runs.items).toEqual([[1], [2]]);
    runs.answer(1);
    expect(await second).toBe("answer 2");
    runs.answer(0);
    expect(await first).toBe("answer 1");
  });

  test("in order waits for the one before, and loses nothing meanwhile", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 2, inOrder: true }, runs.run);
    const answers = range(5).map((item) => batch.add(item));
    await turn();
    expect(runs.items).toEqual([[0, 1]]);
    for (const index of [0, 1, 2]) {
      runs.answer(index);
      await turn();
    }
    expect(runs.items).toEqual([[0, 1], [2, 3], [4]]);
    expect(await Promise.all(answers)).toEqual(range(5).map((item) => `answer ${item}`));
    const later = batch.add(9);
    await turn();
    runs.answer(3);
    expect(await later).toBe("answer 9");
  });

  test("that fails, fails for all of its items and for none of the next", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 2, inOrder: true }, runs.run);
    const answers = range(3).map((item) => batch.add(item));
    const settled = Promise.allSettled(answers);
    runs.batches[0]?.answer.reject(new Error("Redis is away"));
    await turn();
    runs.answer(1);
    expect((await settled).map((one) => one.status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });

  test("with too few answers fails for those that got none", async () => {
    const runs = new Runs();
    const batch = new TurnBatch<number, string>({ maxItems: 2 }, runs.run);
    const settled = Promise.allSettled([batch.add(1), batch.add(2)]);
    runs.batches[0]?.answer.resolve(["only one"]);
    expect(await settled).toMatchObject([
      { status: "fulfilled", value: "only one" },
      { status: "rejected", reason: { reason: "INTERNAL" } },
    ]);
  });
});
