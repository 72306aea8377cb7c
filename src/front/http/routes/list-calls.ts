import { Type } from "typebox";
import { route } from "../route.js";
import { CALL_PAGE, listedCallOf } from "../schemas/call-schemas.js";
import { PAGE_QUERY } from "../schemas/query-schemas.js";

const STATES = { queued: "CALL_STATE_QUEUED", claimed: "CALL_STATE_CLAIMED" } as const;

export const LIST_CALLS = route({
  method: "GET",
  path: "/v1/calls",
  rpc: "Gateway/ListCalls",
  operationId: "listCalls",
  summary: "The calls that have not ended, of those that the caller may follow.",
  tag: "calls",
  query: Type.Object(
    {
      toolset: Type.Optional(Type.String({ maxLength: 256, description: "Only calls of this toolset." })),
      tool: Type.Optional(Type.String({ maxLength: 128, description: "Only calls of tools of this name." })),
      state: Type.Optional(Type.Union([Type.Literal("queued"), Type.Literal("claimed")])),
      ...PAGE_QUERY,
    },
    { additionalProperties: false },
  ),
  answers: { 200: { description: "A page of calls, in no order.", schema: CALL_PAGE } },
  async handle({ query, ask }) {
    const { toolset = "", tool = "", state, pageSize = 0, pageToken = "" } = query;
    const page = await ask.unary("Gateway/ListCalls", {
      ...{ toolset, tool, pageSize, pageToken },
      state: state === undefined ? "CALL_STATE_UNSPECIFIED" : STATES[state],
    });
    const { calls = [], nextPageToken = "", timeMs = 0 } = page;
    return { status: 200, body: { calls: calls.map(listedCallOf), nextPageToken, timeMs: Number(timeMs) } };
  },
});
