import { constants, type Http2Stream } from "node:http2";

/** How long a peer may take none of what a stream sends, and to read the rest when it has ended, in milliseconds. */
export const READ_WITHIN_MS = 30_000;
/** How long it may take to read the rest of a stream that has failed, in milliseconds. */
export const READ_FAILED_WITHIN_MS = 5_000;

/** What grpc-js gives for a call; it says "cancelled" at the end of each, also of one that ended well. */
export interface EndingCall {
  once(event: "cancelled", listener: () => void): unknown;
}

/** Resets a stream that ends, if its peer has not read the rest in time: it holds memory, and a place in its connection. */
export function resetIfUnread(call: EndingCall, withinMs: number): void {
  const timer = setTimeout(() => streamOf(call)?.close(constants.NGHTTP2_CANCEL), withinMs).unref();
  call.once("cancelled", () => clearTimeout(timer));
}

/** How many bytes were written to a call's stream that its peer has not made room for yet. */
export function unsentBytes(call: EndingCall): number {
  return streamOf(call)?.writableLength ?? 0;
}

/**
 * The stream of HTTP/2. grpc-js has no word for ending one without its peer, by which what was not read is dropped, and destroying
 * its own stream leaves this one open.
 */
function streamOf(call: EndingCall): Http2Stream | undefined {
  return (call as unknown as { call: { stream?: Http2Stream } }).call.stream; // of grpc-js 1.14, and not in its types
}
