import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { RpcRule } from "../../access/rpc-rules.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import { EncodedMessage } from "../../protocol/encoded-message.js";
import type { RequestCheck } from "../../protocol/unknown-enums.js";
import type { OpenCall } from "../services/call-context.js";
import type { UnaryMethod } from "../services/methods.js";
import { heldFor } from "./grpc-call.js";
import { ServerCall, type ServerState } from "./server-call.js";
import { shareFrames } from "./shared-frame.js";
import { holdUnsent } from "./stalled-stream.js";

/**
 * Serves a unary method: a promise in, a response or a status out. Callers that `rule` does not let in, and requests that `check` throws
 * at, are refused.
 */
export function serveUnary(
  method: UnaryMethod<never, unknown>,
  state: ServerState,
  rule: RpcRule,
  check: RequestCheck | undefined,
): handleUnaryCall<unknown, unknown> {
  return (call, callback) => {
    const held = heldFor(call);
    held?.lookedAt();
    const answer: sendUnaryData<unknown> = (error, response) => {
      if (response instanceof EncodedMessage) shareFrames(call);
      callback(error, response);
      // What its caller does not read is counted until the stream is closed, and ends in time.
      held?.sent();
      holdUnsent(held, call, response);
    };
    void run(method, new UnaryCall(call, state, answer), call.request, state, rule, check);
  };
}

async function run(
  method: UnaryMethod<never, unknown>,
  call: UnaryCall,
  request: unknown,
  state: ServerState,
  rule: RpcRule,
  check: RequestCheck | undefined,
) {
  state.open.add(call);
  try {
    const admitted = call.admit(rule);
    if (admitted !== undefined) await admitted; // no promise for a caller that is known
    check?.(request);
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
