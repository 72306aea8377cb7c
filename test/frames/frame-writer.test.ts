import { describe, expect, test } from "vitest";
import { deferred } from "../../src/async/deferred.js";
import { type FrameSink, FrameWriter } from "../../src/frames/frame-writer.js";
import { frameOfLists, type ListItem } from "../../src/frames/list-items.js";
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
  let rooms = 0;
  const writer = new FrameWriter<ListItem<Frame>, Frame>({
    sink: peer,
    frameOf: frameOfLists<Frame>,
    schedule: process.nextTick,
    saturatedBytes: 2_000,
    onRoom: () => rooms++,
    budgetBytes,
    onOverflow: () => overflows++,
  });
  return { peer, writer, overflows: () => overflows, rooms: () => rooms };
}
const range = (count: number, from = 0): number[] => Array.from({ length: count }, (_, i) => from + i);

describe("frames", () => {
  test("gather what one turn of the event loop produced, in order per list", async () => {
    const { peer, writer } = writing();
    writer.push({ list: "calls", message: 1, bytes: 10 });
    writer.push({ list: "pings", message: "a", bytes: 10 });
    writer.push({ list: "calls", message: 2, bytes: 10 });
    expect(peer.frames).toEqual([]);
    expect(writer.queuedBytes).toBe(30);
    await turn();
    expect(peer.frames).toEqual([{ calls: [1, 2], pings: ["a"] }]);
    expect(writer.queuedBytes).toBe(0);
    writer.push({ list: "calls", message: 3, bytes: 10 });
    await turn();
    expect(peer.frames.slice(1)).toEqual([{ calls: [3] }]);
  });

  test("hold at most 64 messages", async () => {
    const { peer, writer } = writing();
    for (const i of range(130)) writer.push({ list: "calls", message: i, bytes: 1 });
    await turn();
    expect(peer.frames.map((frame) => frame.calls?.length)).toEqual([64, 64, 2]);
    expect(peer.frames.flatMap((frame) => frame.calls ?? [])).toEqual(range(130));
  });

  test("hold at most 128 KiB, unless a single message is larger", async () => {
    const { peer, writer } = writing();
    const kib = 1_024;
    for (const [i, size] of [64, 64, 1, 500, 1, 127, 1].entries())
      writer.push({ list: "calls", message: i, bytes: size * kib });
    await turn();
    expect(peer.frames.map((frame) => frame.calls)).toEqual([[0, 1], [2], [3], [4, 5], [6]]);
  });

  test("of their own come after what was pushed before, and before what is pushed after", async () => {
    const { peer, writer } = writing();
    writer.push({ list: "calls", message: 1, bytes: 10 });
    writer.sendNow({ goAway: true });
    writer.push({ list: "calls", message: 2, bytes: 10 });
    await turn();
    expect(peer.frames).toEqual([{ calls: [1] }, { goAway: true }, { calls: [2] }]);
  });

  test("go out at once when flushed", () => {
    const { peer, writer } = writing();
    writer.push({ list: "calls", message: 1, bytes: 10 });
    writer.flush();
    expect(peer.frames).toEqual([{ calls: [1] }]);
  });
});

describe("a message that is not urgent", () => {
  test("goes with the next frame", async () => {
    const { peer, writer } = writing();
    writer.pushDelayed({ list: "pings", message: "a", bytes: 10 });
    await turn();
    expect(peer.frames).toEqual([]);
    expect(writer.queuedBytes).toBe(10);
    writer.push({ list: "calls", message: 1, bytes: 10 });
    await turn();
    expect(peer.frames).toEqual([{ pings: ["a"], calls: [1] }]);
  });

  test("goes by itself when no other frame comes", async () => {
    const { peer, writer } = writing();
    writer.pushDelayed({ list: "pings", message: "a", bytes: 10 });
    writer.pushDelayed({ list: "pings", message: "b", bytes: 10 });
    await until("it went", () => peer.frames.length > 0);
    expect(peer.frames).toEqual([{ pings: ["a", "b"] }]);
    writer.pushDelayed({ list: "pings", message: "c", bytes: 10 });
    writer.close();
  });
});

describe("a peer that does not read", () => {
  test("makes frames wait, and gets them in order when it reads", async () => {
    const { peer, writer } = writing();
    peer.full = true;
    for (const i of range(200)) writer.push({ list: "calls", message: i, bytes: 10 });
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

  test("overflows its budget once, and gets nothing any more", async () => {
    const { peer, writer, overflows } = writing(1_000);
    peer.full = true;
    writer.push({ list: "calls", message: 0, bytes: 100 });
    writer.flush();
    for (const i of range(50, 1)) writer.push({ list: "calls", message: i, bytes: 100 });
    writer.sendNow({ goAway: true });
    expect(overflows()).toBe(1);
    expect(writer.queuedBytes).toBe(0);
    await peer.read();
    writer.push({ list: "calls", message: 99, bytes: 1 });
    await turn();
    expect(peer.frames).toEqual([{ calls: [0] }]);
    expect(overflows()).toBe(1);
  });

  test("does not overflow by what is not budgeted, but still by the rest", async () => {
    const { peer, writer, overflows } = writing(100);
    peer.full = true;
    writer.push({ list: "calls", message: 0, bytes: 60 });
    writer.pushUnbudgeted({ list: "calls", message: 1, bytes: 200_000 });
    await turn();
    writer.pushUnbudgeted({ list: "calls", message: 2, bytes: 200_000 });
    writer.pushUnbudgeted({ list: "calls", message: 3, bytes: 200_000 });
    writer.push({ list: "pings", message: "a", bytes: 60 });
    expect([overflows(), writer.queuedBytes]).toEqual([0, 600_060]);
    writer.push({ list: "pings", message: "b", bytes: 60 });
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

test("producers that can wait hear when there is room again", async () => {
  const { peer, writer, rooms } = writing();
  peer.full = true;
  writer.push({ list: "calls", message: 0, bytes: 1_000 });
  writer.flush();
  for (const i of range(2, 1)) writer.push({ list: "calls", message: i, bytes: 1_500 });
  expect([writer.saturated, rooms()]).toEqual([true, 0]);
  await peer.read();
  expect([writer.saturated, rooms()]).toEqual([false, 0]);
  await peer.read();
  expect(rooms()).toBe(1);
});

test("a frame goes on being gathered while the stream is full", async () => {
  const { peer, writer } = writing();
  peer.full = true;
  for (const i of range(3)) {
    writer.push({ list: "calls", message: i, bytes: 10 });
    await turn();
  }
  await peer.read();
  expect(peer.frames).toEqual([{ calls: [0] }, { calls: [1, 2] }]);
});

describe("the last frames of a stream", () => {
  test("are sent at once, also where the stream is full", () => {
    const { peer, writer } = writing();
    peer.full = true;
    for (const i of range(3)) writer.push({ list: "calls", message: i, bytes: 100_000 });
    writer.flushAll();
    expect(peer.frames).toEqual([{ calls: [0] }, { calls: [1] }, { calls: [2] }]);
  });

  test("are given back when the writer is closed before they were sent", async () => {
    const { peer, writer } = writing();
    peer.full = true;
    const items = range(4).map((message) => ({ list: "calls", message, bytes: 50_000 }) as const);
    for (const item of items) writer.push(item);
    await turn();
    expect(peer.frames).toEqual([{ calls: [0, 1] }]);
    expect(writer.close()).toEqual(items.slice(2));
    expect(writer.close()).toEqual([]);
    expect(peer.held).toBe(0);
  });
});

test("a closed writer forgets what was not sent", async () => {
  const { peer, writer, overflows } = writing();
  writer.push({ list: "calls", message: 1, bytes: 10 });
  writer.close();
  writer.push({ list: "calls", message: 2, bytes: 10 });
  writer.sendNow({ goAway: true });
  writer.flush();
  await turn();
  expect(peer.frames).toEqual([]);
  expect(overflows()).toBe(0);
});

test("calls back when all was sent, and not before a peer that is slow has taken it", async () => {
  const { peer, writer } = writing();
  peer.full = true;
  let sent = 0;
  for (const call of range(200)) writer.push({ list: "calls", message: call, bytes: 10 });
  writer.onDrained(() => sent++);
  expect(sent).toBe(0);
  for (let i = 0; i < 4; i++) await peer.read();
  expect(peer.frames.flatMap(({ calls = [] }) => calls)).toEqual(range(200));
  expect(sent).toBe(1);
  writer.close();
  writer.onDrained(() => sent++);
  expect(sent).toBe(1);
});
