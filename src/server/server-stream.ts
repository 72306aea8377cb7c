import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import type { ServerStreamMethod } from "./methods.js";
import { nodeDraining } from "./node-draining.js";
import { type OpenCall, ServerCall, type ServerState } from "./server-call.js";

/** Serves a method that answers with a stream: an async iterable in, messages and a status out. */
export function serveStream(
  method: ServerStreamMethod<never, unknown>,
  state: ServerState,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    const context = new ServerCall(call, state);
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
      },
    };
    const run = async () => {
      void context.principal; // refuses before the handler runs
      const messages = method.handler(call.request as never, context); // decoded by the method's own definition
      for await (const message of messages) {
        if (call.destroyed || call.writableEnded) return;
        if (!call.write(message)) await writable(call);
      }
    };
    state.open.add(open);
    run()
      .then(
        () => {
          if (context.finish()) call.end();
          else if (leaving) end(context.abandoned);
        },
        (error: unknown) => end(error),
      )
      .finally(() => state.open.delete(open));

    function end(error: unknown): void {
      const wire = context.failure(error);
      context.finish();
      // Not `destroy`: grpc-js sends the status of an emitted error, after what was written before it.
      if (!call.destroyed && !call.writableEnded) call.emit("error", wire);
    }
  };
}

/** Resolves when the stream has room again, or has ended. */
function writable(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    if (call.destroyed || !call.writableNeedDrain) return resolve();
    const settle = () => {
      call.off("drain", settle).off("close", settle);
      resolve();
    };
    call.on("drain", settle).on("close", settle);
  });
}
