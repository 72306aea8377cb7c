import { expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { SharedTask } from "../../src/async/shared-task.js";

test("goes on while one waits for it, and ends with the last", async () => {
  const signals: AbortSignal[] = [];
  const task = new SharedTask<number>((unneeded) => {
    signals.push(unneeded);
    return new Promise((_resolve, reject) => unneeded.addEventListener("abort", () => reject(unneeded.reason)));
  });
  const [first, second] = [new AbortController(), new AbortController()];
  const joined = [first, second].map(({ signal }) => task.join(signal));
  first.abort("gone");
  await expect(joined[0]).rejects.toBe("gone");
  expect(task.isAbandoned).toBe(false);
  second.abort("gone too");
  await expect(joined[1]).rejects.toBe("gone too");
  expect([task.isAbandoned, signals.length, signals[0]?.reason]).toEqual([true, 1, "gone too"]);
  await expect(task.join(first.signal)).rejects.toBe("gone");
});

test("gives all the same answer, and does not end with some of them when one waits without end", async () => {
  const answer = deferred<number>();
  const task = new SharedTask(() => answer.promise);
  const leaver = new AbortController();
  const joined = [task.join(), task.join(leaver.signal)];
  leaver.abort("gone");
  await expect(joined[1]).rejects.toBe("gone");
  answer.resolve(1);
  expect(await Promise.all([joined[0], task.join()])).toEqual([1, 1]);
  expect(task.isAbandoned).toBe(false);
});
