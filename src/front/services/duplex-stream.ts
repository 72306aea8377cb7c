import type { ToolgateError } from "../../errors/toolgate-error.js";
import type { CallContext } from "./call-context.js";

/**
 * A stream in both directions, as a method's handler has it: by callbacks, no promise and no listener for each frame.
 *
 * Its life: *open* until one side ends it; *ending* while what was sent goes out; then *over*, exactly once, whatever happened. Nothing is
 * delivered or sent any more once it is over.
 */
export interface DuplexStream<Request, Response> extends Omit<CallContext, "abandoned" | "whenAbandoned"> {
  /** Aborted when the node begins to drain: tell the peer to move, and end the stream when it has. */
  readonly draining: AbortSignal;
  /** Takes the frames, from now on; they wait until this is called. A throw fails the stream. */
  onFrame(handler: (frame: Request) => void): void;
  /** The peer sends no more frames; it still reads. Without a handler, the stream is then ended. */
  onPeerEnd(handler: () => void): void;
  /** The stream is over. `reason` says why, unless this side had ended it. Called once. */
  onOver(handler: (reason: ToolgateError | undefined) => void): void;
  /**
   * Sends a frame. False when enough waits for the peer, and the next frame should wait for `drained`.
   *
   * @param bytes about the size of the frame, which was counted by `holds`
   */
  send(frame: Response, bytes?: number): boolean;
  /** Counts what waits to be sent on this stream; a negative number, what does not any more, although it was not sent. */
  holds(bytes: number): void;
  /** Resolves when the peer has made room for more frames, or the stream is over. */
  drained(): Promise<void>;
  /** No frames come until as many calls of `resume`. */
  pause(): void;
  resume(): void;
  /** Ends the stream well, after what was sent. */
  end(): void;
  /** Ends the stream with an error, after what was sent. */
  fail(error: unknown): void;
}
