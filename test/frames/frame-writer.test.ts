import { describe, expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { type FrameSink, FrameWriter } from "../../src/frames/frame-writer.js";
import { until } from "../support/until.js";

interface Frame {
  readonly calls?: readonly number[];
  readonly pings?: readonly string[];
  readonly goAway?: boolean;
}

/** A peer that reads when it is let to. */
class Peer implements FrameSink<Frame> {
  readonly frames: Frame[] = [];
  #room = deferred();
  full = false;
  /** What waits for it, sent or not, in bytes. */
  held = 0;

  send(frame: Frame, bytes: number): boolean {
    this.frames.push(frame);
    this.held -= bytes;
    return !this.full;
  }
  drained(): Promise<void> {
    return this.#room.promise;
  }
  holds(bytes: number): void {
    this.held += bytes;
  }
  /** Takes more frames before its buffer is full again. */
  async read(): Promise<void> {
    const room = this.#room;
    this.#room = deferred();
    room.resolve();
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

function writing(budgetBytes = 1_000_000) {
  const peer = new Peer();
  let overflows = 0;
  const writer = new FrameWriter<Frame>(peer, budgetBytes, () => overflows++);
  return { peer, writer, overflows: () => overflows };
}
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

describe("frames", () => {
  test("gather what one turn of the event loop produced, in order per list", async () => {
    const { peer, writer } = writing();
    writer.push("calls", 1, 10);
    writer.push("pings", "a", 10);
    writer.push("calls", 2, 10);
    expect(peer.frames).toEqual([]);
    expect(writer.queuedBytes).toBe(30);
    await turn();
    expect(peer.frames).toEqual([{ calls: [1, 2], pings: ["a"] }]);
    expect(writer.queuedBytes).toBe(0);
    writer.push("calls", 3, 10);
    await turn();
    expect(peer.frames.slice(1)).toEqual([{ calls: [3] }]);
  });

  test("hold at most 64 messages", async () => {
    const { peer, writer } = writing();
    for (const i of range(130)) writer.push("calls", i, 1);
    await turn();
    expect(peer.frames.map((frame) => frame.calls?.length)).toEqual([64, 64, 2]);
    expect(peer.frames.flatMap((frame) => frame.calls ?? [])).toEqual(range(130));
  });

  test("hold at most 128 KiB, unless a single message is larger", async () => {
    const { peer, writer } = writing();
    const kib = 1_024;
    for (const [i, size] of [64, 64, 1, 500, 1, 127, 1].entries()) writer.push("calls", i, size * kib);
    await turn();
    expect(peer.frames.map((frame) => frame.calls)).toEqual([[0, 1], [2], [3], [4, 5], [6]]);
  });

  test("of their own come after what was pushed before, and before what is pushed after", async () => {
    const { peer, writer } = writing();
    writer.push("calls", 1, 10);
    writer.sendNow({ goAway: true });
    writer.push("calls", 2, 10);
    await turn();
    expect(peer.frames).toEqual([{ calls: [1] }, { goAway: true }, { calls: [2] }]);
  });

  test("go out at once when flushed", () => {
    const { peer, writer } = writing();
    writer.push("calls", 1, 10);
    writer.flush();
    expect(peer.frames).toEqual([{ calls: [1] }]);
  });
});

describe("what nobody waits for", () => {
  test("goes with the next frame", async () => {
    const { peer, writer } = writing();
    writer.pushPatiently("pings", "a", 10);
    await turn();
    expect(peer.frames).toEqual([]);
    expect(writer.queuedBytes).toBe(10);
    writer.push("calls", 1, 10);
    await turn();
    expect(peer.frames).toEqual([{ pings: ["a"], calls: [1] }]);
  });

  test("goes by itself when no other frame comes", async () => {
    const { peer, writer } = writing();
    writer.pushPatiently("pings", "a", 10);
    writer.pushPatiently("pings", "b", 10);
    await until("it went", () => peer.frames.length > 0);
    expect(peer.frames).toEqual([{ pings: ["a", "b"] }]);
    writer.pushPatiently("pings", "c", 10);
    writer.close();
  });
});

describe("a peer that does not read", () => {
  test("makes frames wait, and gets them in order when it reads", async () => {
    const { peer, writer } = writing();
    peer.full = true;
    for (const i of range(200)) writer.push("calls", i, 10);
    await turn();
    expect(peer.frames).toHaveLength(1);
    expect(writer.queuedBytes).toBe(136 * 10);
    await peer.read();
    expect(peer.frames).toHaveLength(2);
    peer.full = false;
    await peer.read();
    expect(peer.frames.flatMap((frame) => frame.calls ?? [])).toEqual(range(200));
    expect(writer.queuedBytes).toBe(0);
  });

  test("is told off once when its budget is full, and gets nothing any more", async () => {
    const { peer, writer, overflows } = writing(1_000);
    peer.full = true;
    writer.push("calls", 0, 100);
    writer.flush();
    for (const i of range(50, 1)) writer.push("calls", i, 100);
    writer.sendNow({ goAway: true });
    expect(overflows()).toBe(1);
    expect(writer.queuedBytes).toBe(0);
    await peer.read();
    writer.push("calls", 99, 1);
    await turn();
    expect(peer.frames).toEqual([{ calls: [0] }]);
    expect(overflows()).toBe(1);
  });

  test("is not told off for what it is owed, but still for the rest", async () => {
    const { peer, writer, overflows } = writing(100);
    peer.full = true;
    writer.push("calls", 0, 60);
    writer.pushOwed("calls", 1, 200_000);
    await turn();
    writer.pushOwed("calls", 2, 200_000);
    writer.pushOwed("calls", 3, 200_000);
    writer.push("pings", "a", 60);
    expect([overflows(), writer.queuedBytes]).toEqual([0, 600_060]);
    writer.push("pings", "b", 60);
    expect(overflows()).toBe(1);
  });

  test("cannot fill memory with frames of their own either: they count too", () => {
    const { peer, writer, overflows } = writing(10_000);
    peer.full = true;
    for (let i = 0; i < 1_000; i++) writer.sendNow({ goAway: true });
    expect(overflows()).toBe(1);
    expect(peer.frames).toHaveLength(1);
  });
});

test("a closed writer forgets what was not sent", async () => {
  const { peer, writer, overflows } = writing();
  writer.push("calls", 1, 10);
  writer.close();
  writer.push("calls", 2, 10);
  writer.sendNow({ goAway: true });
  writer.flush();
  await turn();
  expect(peer.frames).toEqual([]);
  expect(overflows()).toBe(0);
});

test("tells when all was sent, and not before a peer that is slow has taken it", async () => {
  const { peer, writer } = writing();
  peer.full = true;
  let sent = 0;
  for (const call of range(200)) writer.push("calls", call, 10);
  writer.onceSent(() => sent++);
  expect(sent).toBe(0);
  for (let i = 0; i < 4; i++) await peer.read();
  expect(peer.frames.flatMap(({ calls = [] }) => calls)).toEqual(range(200));
  expect(sent).toBe(1);
  writer.close();
  writer.onceSent(() => sent++);
  expect(sent).toBe(1);
});
