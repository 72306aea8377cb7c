import { Type } from "typebox";
import { route } from "../route.js";
import { CALL_PARAM, CANCELLED_CALL, terminalOf } from "../schemas/call-schemas.js";
import { wordOf } from "../schemas/words.js";

export const CANCEL_CALL = route({
  method: "POST",
  path: "/v1/calls/:call(^[^:]+$)::cancel",
  documentedPath: "/v1/calls/{call}:cancel",
  rpc: "Gateway/CancelCall",
  operationId: "cancelCall",
  summary: "Cancels a call.",
  tag: "calls",
  params: Type.Object({ call: CALL_PARAM }),
  answers: { 200: { description: "Where the call stands now.", schema: CANCELLED_CALL } },
  async handle({ params, ask }) {
    const { state, terminal } = await ask.unary("Gateway/CancelCall", { callId: params.call });
    const ended = terminal === undefined || terminal === null ? {} : { terminal: terminalOf(terminal) };
    return { status: 200, body: { state: wordOf("CALL_STATE_", state), ...ended } };
  },
});
