import { Type } from "typebox";
import { route } from "../route.js";
import { CALL_HANDLE, handleOf } from "../schemas/call-schemas.js";
import { DEAD_CALL_PARAM } from "../schemas/dead-call-schemas.js";
import { TOOLSET_PARAM } from "../schemas/query-schemas.js";

export const REDRIVE_DEAD_CALL = route({
  method: "POST",
  path: "/v1/dead/:toolset/:id(^[^:]+$)::redrive",
  documentedPath: "/v1/dead/{toolset}/{id}:redrive",
  rpc: "DeadCalls/RedriveDeadCall",
  operationId: "redriveDeadCall",
  summary: "Makes a dead call again, as a new call under the contract that is active now. Doing it twice makes one.",
  tag: "dead calls",
  params: Type.Object({ toolset: TOOLSET_PARAM, id: DEAD_CALL_PARAM }),
  answers: {
    202: {
      description: "The new call was admitted.",
      schema: CALL_HANDLE,
      headers: { Location: { description: "Where its end will be.", schema: Type.String() } },
    },
  },
  async handle({ params: { toolset, id }, ask }) {
    const { handle } = await ask.unary("DeadCalls/RedriveDeadCall", { toolset, id });
    const location = `/v1/calls/${encodeURIComponent(handle?.callId ?? "")}`;
    return { status: 202, headers: { location }, body: handleOf(handle) };
  },
});
