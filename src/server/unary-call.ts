import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { ToolgateError } from "../errors/toolgate-error.js";
import type { UnaryMethod } from "./methods.js";
import { type OpenCall, ServerCall, type ServerState } from "./server-call.js";

/** Serves a unary method: a promise in, a response or a status out. */
export function serveUnary(method: UnaryMethod<never, unknown>, state: ServerState): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    void run(method, new UnaryCall(call, state, callback), call.request, state);
  };
}

async function run(method: UnaryMethod<never, unknown>, call: UnaryCall, request: unknown, state: ServerState) {
  state.open.add(call);
  try {
    void call.principal; // refuses before the handler runs
    const response = await method.handler(request as never, call); // decoded by the method's own definition
    if (call.finish()) call.answer(null, response);
  } catch (error) {
    const wire = call.failure(error);
    if (call.finish()) call.answer(wire);
  } finally {
    state.open.delete(call);
  }
}

/** A call with one answer. */
class UnaryCall extends ServerCall implements OpenCall {
  readonly answer: sendUnaryData<unknown>;

  constructor(call: ServerUnaryCall<unknown, unknown>, state: ServerState, answer: sendUnaryData<unknown>) {
    super(call, state);
    this.answer = answer;
  }

  /** Its answer is on its way. */
  leave(): void {}

  terminate(reason: ToolgateError): void {
    this.abandon(reason);
    this.answer(this.failure(reason));
  }
}
