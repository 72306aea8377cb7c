import { Type } from "typebox";
import { route } from "../route.js";
import { EPOCH_BODY, TOOLSET_PARAM } from "../schemas/query-schemas.js";

export const UNREGISTER_TOOLSET = route({
  method: "POST",
  path: "/v1/toolsets/:toolset(^[^:]+$)::unregister",
  documentedPath: "/v1/toolsets/{toolset}:unregister",
  rpc: "Registry/Unregister",
  operationId: "unregisterToolset",
  summary: "Removes a toolset, fenced by its active epoch. For its owner, and operators.",
  tag: "toolsets",
  params: Type.Object({ toolset: TOOLSET_PARAM }),
  body: EPOCH_BODY,
  answers: { 204: { description: "It is gone." } },
  async handle({ params: { toolset }, json: { epoch }, ask }) {
    await ask.unary("Registry/Unregister", { name: toolset, epoch });
    return { status: 204 };
  },
});
