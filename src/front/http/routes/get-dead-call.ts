import { Type } from "typebox";
import { route } from "../route.js";
import { DEAD_CALL_PARAM, DEAD_CALL_WHOLE, deadCallOf } from "../schemas/dead-call-schemas.js";
import { TOOLSET_PARAM } from "../schemas/query-schemas.js";
import { rawOf } from "../schemas/raw.js";

export const GET_DEAD_CALL = route({
  method: "GET",
  path: "/v1/dead/:toolset/:id",
  rpc: "DeadCalls/GetDeadCall",
  operationId: "getDeadCall",
  summary: "A dead call with its arguments.",
  tag: "dead calls",
  params: Type.Object({ toolset: TOOLSET_PARAM, id: DEAD_CALL_PARAM }),
  answers: { 200: { description: "The call.", schema: DEAD_CALL_WHOLE } },
  async handle({ params: { toolset, id }, ask }) {
    const { call, payloadJson } = await ask.unary("DeadCalls/GetDeadCall", { toolset, id });
    return { status: 200, body: { ...deadCallOf(call ?? {}), payload: rawOf(payloadJson) ?? null } };
  },
});
