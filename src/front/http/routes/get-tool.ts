import { Type } from "typebox";
import { ToolgateError } from "../../../errors/toolgate-error.js";
import { route } from "../route.js";
import { TOOL_PARAM, TOOLSET_PARAM } from "../schemas/query-schemas.js";
import { TOOL, toolOf } from "../schemas/toolset-schemas.js";

export const GET_TOOL = route({
  method: "GET",
  path: "/v1/toolsets/:toolset/tools/:tool",
  rpc: "Catalog/GetToolset",
  operationId: "getTool",
  summary: "One tool with its schemas.",
  tag: "toolsets",
  params: Type.Object({ toolset: TOOLSET_PARAM, tool: TOOL_PARAM }),
  answers: { 200: { description: "The tool.", schema: TOOL } },
  async handle({ params, ask }) {
    const { contract } = await ask.unary("Catalog/GetToolset", { name: params.toolset, tools: [params.tool] });
    const [tool] = contract?.tools ?? [];
    if (tool === undefined) throw new ToolgateError("UNKNOWN_TOOL", "The toolset has no such tool.");
    return { status: 200, body: toolOf(tool) };
  },
});
