import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import type { RpcRule } from "../../access/rpc-rules.js";
import { EncodedMessage } from "../../protocol/encoded-message.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import { type HeldForStream, readerStalled } from "../listening/held-bytes.js";
import type { OpenCall } from "../services/call-context.js";
import type { ServerStreamMethod } from "../services/methods.js";
import { nodeDraining } from "../services/node-draining.js";
import { heldFor } from "./grpc-call.js";
import { ServerCall, type ServerState } from "./server-call.js";
import { shareFrames } from "./shared-frame.js";
import { holdUnsent, READ_FAILED_WITHIN_MS, resetIfStalled } from "./stalled-stream.js";

/**
 * Serves a method that answers with a stream: an async iterable in, messages and a status out.
 *
 * One message at a time waits for its peer to read. A peer that takes nothing of it for long is asked to come back, and its stream is
 * reset. Callers that `rule` does not let in, and requests that `check` throws at, are refused.
 */
export function serveStream(
  method: ServerStreamMethod<never, unknown>,
  state: ServerState,
  rule: RpcRule,
  check: RequestCheck | undefined,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const context = new ServerCall(call, state);
    const held = heldFor(call);
    held?.lookedAt();
    held?.failBy((why) => open.terminate(why));
    let leaving = false;
    const open: OpenCall = {
      leave() {
        // The handler sees its signal and ends; what it has yielded still goes out, then the status.
        leaving = true;
        context.abandon(nodeDraining("unknown"));
      },
      terminate(reason) {
        context.abandon(reason);
        call.emit("error", context.failure(reason));
        resetIfStalled(call, READ_FAILED_WITHIN_MS);
      },
      hasExpired: () => context.hasExpired(),
      recheck: () => context.recheck(),
    };
    const run = async () => {
      const admitted = context.admit(rule);
      if (admitted !== undefined) await admitted;
      check?.(call.request);
      const peer = new SlowPeer(call, held, state.readWithinMs);
      const messages = method.handler(call.request as never, context); // decoded by the method's own definition
      for await (const message of messages) {
        if (call.destroyed || call.writableEnded) return;
        if (!(await peer.takes(message))) throw readerStalled(state.readWithinMs);
      }
    };
    state.open.add(open);
    run()
      .then(
        () => {
          if (context.finish()) {
            call.end();
            resetIfStalled(call, state.readWithinMs, held);
          } else if (leaving) end(context.abandoned);
        },
        (error: unknown) => end(error),
      )
      .finally(() => state.open.delete(open));

    function end(error: unknown): void {
      const wire = context.failure(error);
      context.finish();
      if (call.destroyed || call.writableEnded) return;
      // Not `destroy`: grpc-js sends the status of an emitted error, after what was written before it.
      call.emit("error", wire);
      resetIfStalled(call, READ_FAILED_WITHIN_MS);
    }
  };
}

/** The reader of a stream, one message at a time. One timer for all of them: it costs a fifth of a small message. */
class SlowPeer {
  readonly #call: ServerWritableStream<unknown, unknown>;
  readonly #held: HeldForStream | undefined;
  readonly #timer: NodeJS.Timeout;
  #settle: (inTime: boolean) => void = () => {};

  constructor(call: ServerWritableStream<unknown, unknown>, held: HeldForStream | undefined, withinMs: number) {
    this.#call = call;
    this.#held = held;
    this.#timer = setTimeout(() => this.#settle(false), withinMs).unref();
    held?.whenProgressed(() => this.#timer.refresh());
    call.once("close", () => {
      held?.whenProgressed(() => {}); // refreshed, it would run again
      clearTimeout(this.#timer);
      this.#settle(true);
    });
  }

  /** Sends a message; resolves when the peer has taken it or the stream is over. False when it did neither in time. */
  takes(message: unknown): Promise<boolean> {
    this.#timer.refresh();
    if (message instanceof EncodedMessage) shareFrames(this.#call);
    return new Promise((resolve) => {
      this.#settle = resolve;
      let unsent = 0;
      this.#call.write(message, () => {
        this.#held?.count(-unsent);
        this.#held?.unshare();
        resolve(true);
      });
      unsent = holdUnsent(this.#held, this.#call, message);
    });
  }
}
