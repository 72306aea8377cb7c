import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { streamSink } from "../../src/sdk/stream-sink.js";

/** A stream that notes what it was given, and has room for so many frames. */
class ScriptedStream extends EventEmitter {
  readonly written: string[] = [];
  readonly #room: number;

  constructor(room: number) {
    super();
    this.#room = room;
  }

  write(frame: string): boolean {
    return this.written.push(frame) < this.#room;
  }
}

test("frames are written in order, and the stream's answer says whether the next one should wait", () => {
  const stream = new ScriptedStream(2);
  const sink = streamSink<string>(stream);
  expect([sink.send("a", 1), sink.send("b", 1)]).toEqual([true, false]);
  expect(stream.written).toEqual(["a", "b"]);
});

test("each wait ends with the next drain, and leaves no listener", async () => {
  const stream = new ScriptedStream(0);
  const sink = streamSink<string>(stream);
  for (let round = 0; round < 2; round++) {
    let drained = false;
    const waiting = sink.drained().then(() => {
      drained = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(drained, "before the stream says so").toBe(false);
    stream.emit("drain");
    await waiting;
    expect(stream.listenerCount("drain")).toBe(0);
  }
});
