import { Type } from "typebox";
import { route } from "../route.js";
import { EPOCH_BODY, TOOLSET_PARAM } from "../schemas/query-schemas.js";

export const PROMOTE_TOOLSET = route({
  method: "POST",
  path: "/v1/toolsets/:toolset(^[^:]+$)::promote",
  documentedPath: "/v1/toolsets/{toolset}:promote",
  rpc: "Registry/Promote",
  operationId: "promoteToolset",
  summary: "Makes a candidate epoch the active one at once, without waiting for its providers' room. For operators.",
  tag: "toolsets",
  params: Type.Object({ toolset: TOOLSET_PARAM }),
  body: EPOCH_BODY,
  answers: { 204: { description: "It is active." } },
  async handle({ params: { toolset }, json: { epoch }, ask }) {
    await ask.unary("Registry/Promote", { name: toolset, epoch });
    return { status: 204 };
  },
});
