import { constants } from "node:http2";
import { EncodedMessage } from "../protocol/encoded-message.js";
import { innerCall } from "./grpc-call.js";

/** How long it may take to read the rest of a stream that has failed, in milliseconds. */
export const READ_FAILED_WITHIN_MS = 5_000;

/** What grpc-js gives for a call; it says "cancelled" at the end of each, also of one that ended well. */
export interface EndingCall {
  once(event: "cancelled", listener: () => void): unknown;
}

/** Resets a stream that ends, if its peer has not read the rest in time: it holds memory, and a place in its connection. */
export function resetIfUnread(call: EndingCall, withinMs: number): void {
  const timer = setTimeout(() => innerCall(call).stream.close(constants.NGHTTP2_CANCEL), withinMs).unref();
  call.once("cancelled", () => clearTimeout(timer));
}

/**
 * How many bytes were written to a call's stream that its peer has not made room for yet, and that are there for it alone: those of
 * a message that many calls are answered with are there once, and are the first one's.
 *
 * @param message the one that was just written
 */
export function ownUnsentBytes(call: EndingCall, message: unknown): number {
  if (message instanceof EncodedMessage && !message.claim()) return 0;
  return innerCall(call).stream.writableLength;
}
