import { Type } from "typebox";
import { route } from "../route.js";
import { TOOLSET_PARAM } from "../schemas/query-schemas.js";
import { TOOLSET, toolsetOf } from "../schemas/toolset-schemas.js";

export const GET_TOOLSET = route({
  method: "GET",
  path: "/v1/toolsets/:toolset",
  rpc: "Catalog/GetToolset",
  operationId: "getToolset",
  summary: "A toolset with its tools and their schemas.",
  tag: "toolsets",
  params: Type.Object({ toolset: TOOLSET_PARAM }),
  query: Type.Object(
    { epoch: Type.Optional(Type.Integer({ minimum: 1, description: "This epoch, not the one that serves." })) },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "The toolset, with those of its tools that the caller may see.", schema: TOOLSET } },
  async handle({ params, query, ask }) {
    const answer = await ask.unary("Catalog/GetToolset", { name: params.toolset, epoch: query.epoch ?? 0 });
    return { status: 200, body: toolsetOf(params.toolset, answer) };
  },
});
