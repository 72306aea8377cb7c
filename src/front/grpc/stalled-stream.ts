import { constants } from "node:http2";
import { EncodedMessage } from "../../protocol/encoded-message.js";
import type { HeldForStream } from "../listening/held-bytes.js";
import { SharedBytes } from "../listening/shared-bytes.js";
import { innerCall } from "./grpc-call.js";

/** How long it may take to read the rest of a stream that has failed, in milliseconds. */
export const READ_FAILED_WITHIN_MS = 5_000;

/** What grpc-js gives for a call; it says "cancelled" at the end of each, also of one that ended well. */
export interface EndingCall {
  once(event: "cancelled", listener: () => void): unknown;
}

/**
 * Resets a stream that ends, if its peer has not read the rest in time: it holds memory, and a place in its connection.
 *
 * @param held of a stream whose peer has the time anew with each piece that it takes.
 */
export function resetIfStalled(call: EndingCall, withinMs: number, held?: HeldForStream): void {
  const timer = setTimeout(() => innerCall(call).stream.close(constants.NGHTTP2_CANCEL), withinMs).unref();
  held?.whenProgressed(() => timer.refresh());
  call.once("cancelled", () => {
    held?.whenProgressed(() => {}); // refreshed, it would run again
    clearTimeout(timer);
  });
}

/** The bytes of messages that many calls are answered with: they are there once. */
const sharedBytes = new WeakMap<EncodedMessage, SharedBytes>();

/**
 * Counts what was written to a call's stream and its peer has not made room for yet.
 *
 * @param message the one that was just written
 * @returns how many bytes are to be counted out when they are sent; those that are shared are `unshare`d
 */
export function holdUnsent(held: HeldForStream | undefined, call: EndingCall, message: unknown): number {
  const bytes = held === undefined ? 0 : innerCall(call).stream.writableLength;
  if (held === undefined || bytes === 0) return 0;
  if (message instanceof EncodedMessage) {
    const shared = sharedBytes.get(message) ?? new SharedBytes();
    sharedBytes.set(message, shared);
    held.share(shared, bytes);
    return 0;
  }
  held.count(bytes);
  return bytes;
}
