import type { FrameSink } from "../frames/frame-writer.js";

/** What is used of a stream of grpc-js. */
export interface WrittenStream<Frame> {
  write(frame: Frame): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/** A client's stream, as frames are sent to it. */
export function streamSink<Frame>(stream: WrittenStream<Frame>): FrameSink<Frame> {
  return {
    send: (frame) => stream.write(frame),
    drained: () => new Promise((resolve) => stream.once("drain", resolve)),
  };
}

/** Waiting bytes above which producers of a client's stream should wait. */
export const SATURATED_BYTES = 256 * 1_024;
