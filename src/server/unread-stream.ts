import { constants, type Http2Stream } from "node:http2";

/**
 * How long a peer may leave unread what a stream sent last, in milliseconds: while it goes on, when it has ended well, and when it
 * has failed. Then the stream is reset.
 */
export const READ_WITHIN_MS = { open: 30_000, ended: 30_000, failed: 5_000 };

/** What grpc-js gives for a stream; it says "cancelled" at the end of each, also of one that ended well. */
export interface EndingCall {
  once(event: "cancelled", listener: () => void): unknown;
}

/** Resets a stream that ends, if its peer has not read the rest in time: it holds memory, and a place in its connection. */
export function resetIfUnread(call: EndingCall, withinMs: number): void {
  const timer = setTimeout(() => reset(call), withinMs).unref();
  call.once("cancelled", () => clearTimeout(timer));
}

/**
 * Ends a stream without its peer: what was not read is dropped. grpc-js has no word for it, and destroying its own stream leaves
 * the one of HTTP/2 open; so that one is closed.
 */
function reset(call: EndingCall): void {
  const { stream } = (call as unknown as { call: { stream?: Http2Stream } }).call; // of grpc-js 1.14, and not in its types
  stream?.close(constants.NGHTTP2_CANCEL);
}
