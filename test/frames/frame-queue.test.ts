import { setImmediate as nextTurn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { FrameQueue } from "../../src/frames/frame-queue.js";

interface Item {
  readonly bytes: number;
  readonly name: string;
}

/** A stream that is full after a number of frames, until it is drained. */
function stream(room = Number.POSITIVE_INFINITY) {
  const frames: string[][] = [];
  let drain = () => {};
  let left = room;
  return {
    frames,
    write: (frame: string[]) => {
      frames.push(frame);
      left -= 1;
      return left > 0;
    },
    on: (_event: "drain", listener: () => void) => {
      drain = listener;
    },
    drain: (more: number) => {
      left = more;
      drain();
    },
  };
}

const queueOn = (target: ReturnType<typeof stream>) =>
  new FrameQueue<Item, string[]>(target, (items) => items.map(({ name }) => name));

describe("a frame queue", () => {
  test("gathers what one turn produces", async () => {
    const target = stream();
    const queue = queueOn(target);
    queue.push({ bytes: 1, name: "a" });
    queue.push({ bytes: 1, name: "b" });
    expect(target.frames).toEqual([]);
    await nextTurn();
    queue.push({ bytes: 1, name: "c" });
    await nextTurn();
    expect(target.frames).toEqual([["a", "b"], ["c"]]);
  });

  test("starts a new frame at 64 messages and at 128 KiB, and sends what is larger alone", async () => {
    const target = stream();
    const queue = queueOn(target);
    for (let count = 0; count < 65; count++) queue.push({ bytes: 1, name: "m" });
    queue.push({ bytes: 100_000, name: "big" });
    queue.push({ bytes: 100_000, name: "big" });
    queue.push({ bytes: 500_000, name: "huge" });
    queue.push({ bytes: 1, name: "last" });
    await nextTurn();
    expect(target.frames.map((frame) => [frame.length, frame.at(-1)])).toEqual([
      [64, "m"],
      [2, "big"],
      [1, "big"],
      [1, "huge"],
      [1, "last"],
    ]);
  });

  test("waits while the stream is full, in order", async () => {
    const target = stream(1);
    const queue = queueOn(target);
    queue.push({ bytes: 200_000, name: "a" });
    queue.push({ bytes: 200_000, name: "b" });
    queue.push({ bytes: 200_000, name: "c" });
    expect(queue.saturated).toBe(true);
    let isFree = false;
    queue.onceFree(() => {
      isFree = true;
    });
    await nextTurn();
    expect(target.frames).toEqual([["a"]]);
    expect(isFree).toBe(false);
    target.drain(1);
    expect(target.frames).toEqual([["a"], ["b"]]);
    expect(isFree).toBe(true);
    target.drain(5);
    expect(target.frames).toEqual([["a"], ["b"], ["c"]]);
  });

  test("gives back what it did not write", async () => {
    const target = stream(1);
    const queue = queueOn(target);
    queue.push({ bytes: 200_000, name: "a" });
    queue.push({ bytes: 200_000, name: "b" });
    await nextTurn();
    expect(queue.close()).toEqual([{ bytes: 200_000, name: "b" }]);
    queue.push({ bytes: 1, name: "too late" });
    target.drain(5);
    await nextTurn();
    expect(target.frames).toEqual([["a"]]);
  });

  test("writes all that is left when it is told to", () => {
    const target = stream(0);
    const queue = queueOn(target);
    queue.push({ bytes: 200_000, name: "a" });
    queue.push({ bytes: 200_000, name: "b" });
    queue.flushAll();
    expect(target.frames).toEqual([["a"], ["b"]]);
  });
});
