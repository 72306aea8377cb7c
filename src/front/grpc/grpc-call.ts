import type { ServerHttp2Stream } from "node:http2";
import type { Metadata } from "@grpc/grpc-js";
import type { HeldForStream } from "../listening/held-bytes.js";

/** Where a call keeps what is held for it. */
export const HELD = Symbol("what is held for a call");

/**
 * What is used of grpc-js's own call (`BaseServerInterceptingCall` of 1.14) beyond its types. Only this file says what that is.
 *
 * grpc-js has no word for ending a stream without its peer, by which what was not read is dropped, and destroying its own stream
 * leaves the one of HTTP/2 open; nor does it bound, or tell, what it holds of messages that are not whole.
 */
export interface InnerCall {
  readonly stream: ServerHttp2Stream;
  /** What `grpc-encoding` says; `identity` where it says nothing. */
  readonly incomingEncoding: string;
  /** Cuts what comes into messages, each with its head. */
  decoder: { write(bytes: Buffer): Buffer[] };
  /** Gives the body of a message with its head; what it rejects with becomes the call's status. */
  decompressMessage: (message: Buffer, encoding: string) => Buffer | Promise<Buffer>;
  sendStatus(status: { readonly code: number; readonly details: string; readonly metadata: Metadata | null }): void;
  /** Set before any handler sees the call. */
  [HELD]?: HeldForStream;
}

/** grpc-js's own call behind one that a handler got. No interceptor of ours wraps it. */
export function innerCall(call: object): InnerCall {
  return (call as { readonly call: InnerCall }).call;
}

/** What is held for a call; undefined where no server of ours holds it, as in tests of parts. */
export function heldFor(call: object): HeldForStream | undefined {
  return innerCall(call)[HELD];
}

/** Reads one message ahead while the handler of a stream has paused it: grpc-js reads sixteen, of any size. */
export function readOneAhead(call: object): void {
  const { _readableState: state } = call as { readonly _readableState: { highWaterMark: number } }; // of Node's Readable
  state.highWaterMark = 1;
}
