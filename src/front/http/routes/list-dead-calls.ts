import { Type } from "typebox";
import { route } from "../route.js";
import { DEAD_CALL_PAGE, deadCallOf } from "../schemas/dead-call-schemas.js";
import { PAGE_QUERY, TOOLSET_PARAM } from "../schemas/query-schemas.js";

export const LIST_DEAD_CALLS = route({
  method: "GET",
  path: "/v1/dead/:toolset",
  rpc: "DeadCalls/ListDeadCalls",
  operationId: "listDeadCalls",
  summary: "A toolset's calls that were given up after their last attempt.",
  tag: "dead calls",
  params: Type.Object({ toolset: TOOLSET_PARAM }),
  query: Type.Object(PAGE_QUERY, { additionalProperties: false }),
  answers: { 200: { description: "A page of them.", schema: DEAD_CALL_PAGE } },
  async handle({ params: { toolset }, query: { pageSize = 0, pageToken = "" }, ask }) {
    const page = await ask.unary("DeadCalls/ListDeadCalls", { toolset, pageSize, pageToken });
    const { calls = [], nextPageToken = "" } = page;
    return { status: 200, body: { calls: calls.map(deadCallOf), nextPageToken } };
  },
});
