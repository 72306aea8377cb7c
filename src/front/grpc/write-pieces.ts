import type { ServerHttp2Stream } from "node:http2";
import { Writable } from "node:stream";
import { PIECE_BYTES } from "../listening/held-bytes.js";

/** Told each time that the peer has taken a piece. */
const TAKEN = Symbol("a piece was taken");
/** How many messages that are written in pieces are not sent whole. */
const OPEN = Symbol("messages in pieces");

type Written = (error?: Error | null) => void;
/** As it writes of itself. */
const write = Writable.prototype.write as (this: Writable, bytes: Buffer, onWritten: Written) => boolean;

type PieceStream = Omit<ServerHttp2Stream, "_writev"> & {
  [TAKEN]?: () => void;
  [OPEN]?: number;
  /** Of Node's Writable: takes all that waits at once. Without it each write is made by itself. */
  _writev?: null;
};

/**
 * Lets a stream write large messages in pieces, one after the other, so that it is seen how far its peer has read: HTTP/2 says only
 * that all of a write is sent. What comes after waits, as before.
 *
 * It changes the stream in place: a wrapper would cost each message several functions more. What is written to a stream that has
 * ended is dropped.
 *
 * @param onTaken called when a piece, but not the whole, of a message was sent.
 */
export function writeInPieces(stream: ServerHttp2Stream, onTaken: () => void): void {
  (stream as unknown as PieceStream)[TAKEN] = onTaken;
  stream.write = writePieces as unknown as ServerHttp2Stream["write"]; // with the arguments that grpc-js gives
}

function writePieces(this: PieceStream, message: Buffer, onWritten: Written): boolean {
  const stream = this as unknown as Writable;
  if (stream.writableEnded) {
    // At a call's deadline grpc-js ends its stream, and then writes what it had still. Of a stream that this would destroy, its peer
    // hears nothing any more.
    process.nextTick(onWritten);
    return false;
  }
  if (message.length <= PIECE_BYTES) return write.call(stream, message, onWritten);
  this[OPEN] = (this[OPEN] ?? 0) + 1;
  // Together, waiting pieces would be one write again.
  this._writev = null;
  let from = 0;
  for (; from + PIECE_BYTES < message.length; from += PIECE_BYTES)
    write.call(stream, message.subarray(from, from + PIECE_BYTES), (error) => {
      if (!error) this[TAKEN]?.();
    });
  return write.call(stream, message.subarray(from), (error) => {
    this[OPEN] = (this[OPEN] ?? 1) - 1;
    if (this[OPEN] === 0) delete this._writev;
    onWritten(error);
  });
}
