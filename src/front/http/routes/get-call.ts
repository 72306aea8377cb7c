import { Type } from "typebox";
import { route } from "../route.js";
import { CALL, CALL_PARAM, callOf } from "../schemas/call-schemas.js";

export const GET_CALL = route({
  method: "GET",
  path: "/v1/calls/:call",
  rpc: "Gateway/GetCall",
  operationId: "getCall",
  summary: "Where a call stands, and how it ended.",
  tag: "calls",
  params: Type.Object({ call: CALL_PARAM }),
  answers: { 200: { description: "The call.", schema: CALL } },
  async handle({ params, ask }) {
    return { status: 200, body: callOf(await ask.unary("Gateway/GetCall", { callId: params.call })) };
  },
});
