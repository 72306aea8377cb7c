import { expect, test } from "vitest";
import { type ProbedServer, untilUnresponsive } from "../../src/hosting/server-liveness.js";

/** A server that answers these methods, and time that passes in no time; `talks` are the moments at which it speaks by itself. */
function watched(answers: readonly string[], talks: readonly number[] = []) {
  const asked: string[] = [];
  let nowMs = 0;
  let heard = 0;
  const server: ProbedServer = {
    get messagesReceived() {
      return heard;
    },
    probe: async (method) => {
      asked.push(method);
      if (answers.includes(method)) heard += 1;
    },
  };
  const over = new Error("over");
  const pause = async (ms: number): Promise<void> => {
    heard += talks.filter((at) => at > nowMs && at <= nowMs + ms).length;
    nowMs += ms;
    if (nowMs >= 10_000) throw over;
  };
  return { server, asked, pause, over, now: () => nowMs };
}

test("a server that answers nothing hangs when its patience is over, after the first question", async () => {
  const { server, pause, asked, now } = watched([]);
  await untilUnresponsive(server, 1_000, pause);
  expect(now()).toBe(1_000);
  expect(asked.slice(0, 3)).toEqual(["ping", "tools/list", "ping"]);
});

test.each([[["ping"]], [["tools/list"]]])("one that answers %s lives", async (answers) => {
  const { server, pause, over } = watched(answers);
  await expect(untilUnresponsive(server, 1_000, pause)).rejects.toBe(over);
});

test("one that speaks by itself, however rarely within the patience, lives", async () => {
  const talks = Array.from({ length: 12 }, (_, index) => (index + 1) * 850);
  const { server, pause, over } = watched([], talks);
  await expect(untilUnresponsive(server, 1_000, pause)).rejects.toBe(over);
});

test("one that falls silent later hangs then", async () => {
  const { server, pause, now } = watched([], [500, 3_000]);
  await untilUnresponsive(server, 1_000, pause);
  expect(now()).toBe(1_500);
});

test("one that is heard all the time is not asked", async () => {
  const talks = Array.from({ length: 100 }, (_, index) => (index + 1) * 100);
  const { server, pause, asked, over } = watched([], talks);
  await expect(untilUnresponsive(server, 1_000, pause)).rejects.toBe(over);
  expect(asked).toEqual([]);
});
