import type { handleUnaryCall } from "@grpc/grpc-js";
import type { UnaryMethod } from "./methods.js";
import { type OpenCall, ServerCall, type ServerState } from "./server-call.js";

/** Serves a unary method: a promise in, a response or a status out. */
export function serveUnary(method: UnaryMethod<never, unknown>, state: ServerState): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const context = new ServerCall(call, state);
    const open: OpenCall = {
      leave() {}, // its answer is on its way
      terminate(reason) {
        context.abandon(reason);
        callback(context.failure(reason));
      },
    };
    const run = async () => {
      void context.principal; // refuses before the handler runs
      return method.handler(call.request as never, context); // decoded by the definition that the method belongs to
    };
    state.open.add(open);
    run()
      .then(
        (response) => {
          if (context.finish()) callback(null, response);
        },
        (error: unknown) => {
          const wire = context.failure(error);
          if (context.finish()) callback(wire);
        },
      )
      .finally(() => state.open.delete(open));
  };
}
