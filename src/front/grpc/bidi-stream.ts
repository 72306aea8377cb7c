import type { Metadata, ServerDuplexStream } from "@grpc/grpc-js";
import type { Identity } from "../../access/access-control.js";
import type { CallerAccess } from "../../access/caller-access.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import type { Principal } from "../../identity/principal.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import type { HeldForStream } from "../listening/held-bytes.js";
import { PIECE_BYTES } from "../listening/held-bytes.js";
import type { DuplexStream } from "../services/duplex-stream.js";
import { heldFor } from "./grpc-call.js";
import type { ServerCall, ServerState } from "./server-call.js";
import { READ_FAILED_WITHIN_MS, resetIfStalled } from "./stalled-stream.js";

/** Bytes not taken by the peer above which the next frame should wait: grpc-js alone counts frames, of any size. */
const MOST_UNTAKEN_BYTES = 1_048_576;

/**
 * A stream in both directions, by callbacks: no promise and no listener per frame.
 *
 * Its life: *open* until one side ends it; *ending* while what was sent goes out; then *over*, exactly once, whatever
 * happened. Nothing is delivered or sent any more once it is over. A peer that does not read cannot keep a stream ending, and
 * with it a session's place and the memory of what was sent: the stream is reset.
 */
export class BidiStream<Request, Response> implements DuplexStream<Request, Response> {
  readonly #call: ServerDuplexStream<Request, Response>;
  readonly #context: ServerCall;
  readonly #state: Pick<ServerState, "draining" | "readWithinMs">;
  readonly #check: RequestCheck | undefined;
  readonly #held: HeldForStream | undefined;
  /** The sizes of the frames that the peer has not taken yet, in order, and their sum. */
  readonly #untaken: number[] = [];
  #untakenBytes = 0;
  /** What the peer has taken in frames since that was a piece, in bytes. */
  #takenBytes = 0;
  /** How many pauses last. */
  #pauses = 0;
  readonly #onTaken = (): void => this.#taken();
  #phase: "open" | "ending" | "over" = "open";
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;
  #onOver: (reason: ToolgateError | undefined) => void = () => {};
  #onPeerEnd: () => void = () => this.end();

  constructor(
    call: ServerDuplexStream<Request, Response>,
    context: ServerCall,
    state: Pick<ServerState, "draining" | "readWithinMs">,
    check: RequestCheck | undefined,
  ) {
    this.#call = call;
    this.#context = context;
    this.#state = state;
    this.#check = check;
    this.#held = heldFor(call);
    this.#held?.failBy((why) => this.fail(why));
    call.on("drain", () => this.#gotRoom());
    call.on("end", () => this.#guard(() => this.#onPeerEnd()));
    context.whenAbandoned(() => this.#over());
    call.once("close", () => this.#over());
  }

  get path(): string {
    return this.#context.path;
  }
  get identity(): Identity {
    return this.#context.identity;
  }
  get principal(): Principal {
    return this.#context.principal;
  }
  get access(): CallerAccess {
    return this.#context.access;
  }
  get peer(): string {
    return this.#context.peer;
  }
  get metadata(): Metadata {
    return this.#context.metadata;
  }
  get deadlineMs(): number | undefined {
    return this.#context.deadlineMs;
  }
  get traceparent(): string | undefined {
    return this.#context.traceparent;
  }
  get tracestate(): string | undefined {
    return this.#context.tracestate;
  }
  /** Aborted when the peer went or the node closes the stream; not when this side ended it. */
  get signal(): AbortSignal {
    return this.#context.signal;
  }
  /** Aborted when the node begins to drain: tell the peer to move, and end the stream when it has. */
  get draining(): AbortSignal {
    return this.#state.draining;
  }

  recheckBy(check: (access: CallerAccess) => void): void {
    this.#context.recheckBy(check);
  }

  /** Takes the frames, from now on; they wait until this is called. A throw fails the stream. */
  onFrame(handler: (frame: Request) => void): void {
    const check = this.#check;
    this.#call.on("data", (frame: Request) => {
      this.#held?.lookedAt();
      this.#guard(() => {
        check?.(frame);
        handler(frame);
      });
    });
  }

  /** The peer sends no more frames; it still reads. Without a handler, the stream is then ended. */
  onPeerEnd(handler: () => void): void {
    this.#onPeerEnd = handler;
  }

  /** The stream is over. `reason` says why, unless this side had ended it. Called once. */
  onOver(handler: (reason: ToolgateError | undefined) => void): void {
    if (this.#phase === "over") queueMicrotask(() => handler(this.#context.abandoned));
    this.#onOver = handler;
  }

  /**
   * Sends a frame. False when enough waits for the peer, and the next frame should wait for `drained`.
   *
   * @param bytes about the size of the frame, which was counted by `holds`
   */
  send(frame: Response, bytes = 0): boolean {
    if (this.#phase !== "open") return false;
    this.#untaken.push(bytes);
    this.#untakenBytes += bytes;
    this.#held?.sent();
    this.#call.write(frame, this.#onTaken);
    return this.#hasRoom();
  }

  /** Counts what waits to be sent on this stream; a negative number, what does not any more, although it was not sent. */
  holds(bytes: number): void {
    this.#held?.count(bytes);
  }

  #hasRoom(): boolean {
    return !this.#call.writableNeedDrain && this.#untakenBytes <= MOST_UNTAKEN_BYTES;
  }

  /** The peer has made room for the oldest frame, or the stream is broken. */
  #taken(): void {
    const bytes = this.#untaken.shift() ?? 0;
    this.#untakenBytes -= bytes;
    this.#held?.count(-bytes);
    this.#held?.taken();
    this.#takenBytes += bytes;
    if (this.#takenBytes >= PIECE_BYTES) {
      this.#takenBytes = 0;
      this.#held?.progressed();
    }
    if (this.#room !== undefined && this.#hasRoom()) this.#gotRoom();
  }

  /** Resolves when there is room for frames again, or the stream is over. */
  drained(): Promise<void> {
    if (this.#phase === "over" || this.#hasRoom()) return Promise.resolve();
    if (this.#room === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  /** Reads no more frames for now: the peer's own buffer fills, and it has to wait. Each pause ends with a `resume`. */
  pause(): void {
    if (this.#pauses++ === 0) this.#call.pause();
  }

  /** Reads on, if nothing else has paused it. */
  resume(): void {
    if (--this.#pauses === 0) this.#call.resume();
  }

  /** Ends the stream well, after what was sent. */
  end(): void {
    if (this.#phase !== "open") return;
    this.#phase = "ending";
    resetIfStalled(this.#call, this.#state.readWithinMs, this.#held);
    this.#context.finish();
    this.#call.end();
  }

  /** Ends the stream with an error, after what was sent. */
  fail(error: unknown): void {
    if (this.#phase !== "open") return;
    const wire = this.#context.failure(error);
    this.#phase = "ending";
    resetIfStalled(this.#call, READ_FAILED_WITHIN_MS);
    this.#context.finish();
    // Not `destroy`: grpc-js sends the status of an emitted error.
    this.#call.emit("error", wire);
  }

  /** The node closes the stream, whatever the handler does: `signal` and `onOver` tell it. */
  terminate(reason: ToolgateError): void {
    if (this.#phase !== "open") return;
    const wire = this.#context.failure(reason);
    this.#phase = "ending";
    resetIfStalled(this.#call, READ_FAILED_WITHIN_MS);
    this.#context.abandon(reason);
    this.#call.emit("error", wire);
  }

  /** Runs a callback of the handler's while the stream is open; what it throws fails the stream, not the process. */
  #guard(callback: () => void): void {
    if (this.#phase !== "open") return;
    try {
      callback();
    } catch (error) {
      this.fail(error);
    }
  }

  #gotRoom(): void {
    if (this.#phase !== "over" && !this.#hasRoom()) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  #over(): void {
    if (this.#phase === "over") return;
    this.#phase = "over";
    this.#gotRoom();
    this.#onOver(this.#context.abandoned);
  }
}
