import type { handleBidiStreamingCall, Metadata, ServerDuplexStream } from "@grpc/grpc-js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { RequestCheck } from "../protocol/unknown-enums.js";
import type { BidiMethod } from "./methods.js";
import { nodeDraining } from "./node-draining.js";
import type { Principal } from "./principal.js";
import { type CallContext, type OpenCall, ServerCall, type ServerState } from "./server-call.js";
import { READ_FAILED_WITHIN_MS, resetIfUnread } from "./unread-stream.js";

/** When a peer that met the limit on sessions should come again, in milliseconds. */
const SESSION_RETRY_MS = 1_000;

/**
 * A stream in both directions, by callbacks: no promise and no listener per frame.
 *
 * Its life: *open* until one side ends it; *ending* while what was sent goes out; then *over*, exactly once, whatever
 * happened. Nothing is delivered or sent any more once it is over. A peer that does not read cannot keep a stream ending, and
 * with it a session's place and the memory of what was sent: the stream is reset.
 */
export class BidiStream<Request, Response> implements Omit<CallContext, "abandoned" | "whenAbandoned"> {
  readonly #call: ServerDuplexStream<Request, Response>;
  readonly #context: ServerCall;
  readonly #state: Pick<ServerState, "draining" | "readWithinMs">;
  readonly #check: RequestCheck | undefined;
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
    call.on("drain", () => this.#gotRoom());
    call.on("end", () => this.#guard(() => this.#onPeerEnd()));
    context.whenAbandoned(() => this.#over());
    call.once("close", () => this.#over());
  }

  get path(): string {
    return this.#context.path;
  }
  get principal(): Principal {
    return this.#context.principal;
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

  /** Takes the frames, from now on; they wait until this is called. A throw fails the stream. */
  onFrame(handler: (frame: Request) => void): void {
    const check = this.#check;
    this.#call.on("data", (frame: Request) =>
      this.#guard(() => {
        check?.(frame);
        handler(frame);
      }),
    );
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

  /** Sends a frame. False when the buffer is full, and the next frame should wait for `drained`. */
  send(frame: Response): boolean {
    if (this.#phase !== "open") return false;
    return this.#call.write(frame);
  }

  /** Resolves when there is room for frames again, or the stream is over. */
  drained(): Promise<void> {
    if (this.#phase === "over" || !this.#call.writableNeedDrain) return Promise.resolve();
    if (this.#room === undefined) {
      let resolve = () => {};
      const promise = new Promise<void>((settle) => {
        resolve = settle;
      });
      this.#room = { promise, resolve };
    }
    return this.#room.promise;
  }

  /** Reads no more frames for now: the peer's own buffer fills, and it has to wait. */
  pause(): void {
    this.#call.pause();
  }

  /** Reads on. */
  resume(): void {
    this.#call.resume();
  }

  /** Ends the stream well, after what was sent. */
  end(): void {
    if (this.#phase !== "open") return;
    this.#phase = "ending";
    resetIfUnread(this.#call, this.#state.readWithinMs);
    this.#context.finish();
    this.#call.end();
  }

  /** Ends the stream with an error, after what was sent. */
  fail(error: unknown): void {
    if (this.#phase !== "open") return;
    const wire = this.#context.failure(error);
    this.#phase = "ending";
    resetIfUnread(this.#call, READ_FAILED_WITHIN_MS);
    this.#context.finish();
    // Not `destroy`: grpc-js sends the status of an emitted error.
    this.#call.emit("error", wire);
  }

  /** The node closes the stream, whatever the handler does: `signal` and `onOver` tell it. */
  terminate(reason: ToolgateError): void {
    if (this.#phase !== "open") return;
    const wire = this.#context.failure(reason);
    this.#phase = "ending";
    resetIfUnread(this.#call, READ_FAILED_WITHIN_MS);
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

/** Serves a method that is a stream in both directions. A frame that `check` throws at fails the stream. */
export function serveBidi(
  method: BidiMethod<never, unknown>,
  state: ServerState,
  check: RequestCheck | undefined,
): handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    const context = new ServerCall(call, state);
    const stream = new BidiStream<unknown, unknown>(call, context, state, method.refusesParts ? undefined : check);
    const { sessions } = state;
    const { peer } = context;
    try {
      void context.principal; // refuses before the handler runs
      if (state.draining.aborted) throw nodeDraining("no");
      if (sessions.count >= sessions.max) {
        throw new ToolgateError("LIMIT_EXCEEDED", `This node holds ${sessions.max} sessions, and takes no more.`, {
          retryAfterMs: SESSION_RETRY_MS,
        });
      }
      if ((sessions.byPeer.get(peer) ?? 0) >= sessions.maxPerPeer) {
        throw new ToolgateError(
          "LIMIT_EXCEEDED",
          `This connection holds ${sessions.maxPerPeer} sessions, and may hold no more.`,
          { retryAfterMs: SESSION_RETRY_MS },
        );
      }
    } catch (error) {
      stream.fail(error);
      return;
    }
    sessions.count++;
    sessions.byPeer.set(peer, (sessions.byPeer.get(peer) ?? 0) + 1);
    const open: OpenCall = {
      leave() {}, // it was told when draining began, and ends by itself
      terminate: (reason) => stream.terminate(reason),
    };
    state.open.add(open);
    call.once("cancelled", () => {
      sessions.count--;
      const left = (sessions.byPeer.get(peer) ?? 1) - 1;
      if (left === 0) sessions.byPeer.delete(peer);
      else sessions.byPeer.set(peer, left);
      state.open.delete(open);
    });
    try {
      method.handler(stream as BidiStream<never, unknown>); // the frames come from the method's own definition
    } catch (error) {
      stream.fail(error);
    }
  };
}
