import { Type } from "typebox";
import { route } from "../route.js";
import { CALL_PAGE, listedCallOf } from "../schemas/call-schemas.js";
import { PAGE_QUERY } from "../schemas/query-schemas.js";

const STATES = { queued: "CALL_STATE_QUEUED", claimed: "CALL_STATE_CLAIMED", ended: "CALL_STATE_ENDED" } as const;

const KINDS = {
  result: "TERMINAL_KIND_RESULT",
  tool_error: "TERMINAL_KIND_TOOL_ERROR",
  not_executed: "TERMINAL_KIND_NOT_EXECUTED",
  cancelled: "TERMINAL_KIND_CANCELLED",
  outcome_unknown: "TERMINAL_KIND_OUTCOME_UNKNOWN",
  attempts_exhausted: "TERMINAL_KIND_ATTEMPTS_EXHAUSTED",
} as const;
const KIND = `(${Object.keys(KINDS).join("|")})`;

export const LIST_CALLS = route({
  method: "GET",
  path: "/v1/calls",
  rpc: "Gateway/ListCalls",
  operationId: "listCalls",
  summary: "The calls that have not ended, or those that ended last, of those that the caller may follow.",
  tag: "calls",
  query: Type.Object(
    {
      toolset: Type.Optional(Type.String({ maxLength: 256, description: "Only calls of this toolset." })),
      tool: Type.Optional(Type.String({ maxLength: 128, description: "Only calls of tools of this name." })),
      principal: Type.Optional(
        Type.String({ maxLength: 512, description: "Only calls of this principal of the caller's own tenant." }),
      ),
      state: Type.Optional(
        Type.Union([Type.Literal("queued"), Type.Literal("claimed"), Type.Literal("ended")], {
          description: "Those that have not ended, unless said.",
        }),
      ),
      kinds: Type.Optional(
        Type.String({
          pattern: `^${KIND}(,${KIND}){0,5}$`,
          description:
            "With `state=ended`: only calls that ended so, with commas between them: `tool_error,cancelled`.",
        }),
      ),
      minTotalMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: "With `state=ended`: only calls that took so long from their admission to their end.",
        }),
      ),
      sinceMs: Type.Optional(
        Type.Integer({
          minimum: 0,
          description: "With `state=ended`: only calls that ended then or later, in Unix milliseconds.",
        }),
      ),
      ...PAGE_QUERY,
    },
    { additionalProperties: false },
  ),
  answers: {
    200: { description: "A page of calls: in no order; those that have ended, the latest first.", schema: CALL_PAGE },
  },
  async handle({ query, ask }) {
    const { toolset = "", tool = "", principal = "", state, kinds, pageSize = 0, pageToken = "" } = query;
    const { minTotalMs = 0, sinceMs = 0 } = query;
    const page = await ask.unary("Gateway/ListCalls", {
      ...{ toolset, tool, principal, pageSize, pageToken, minTotalMs, sinceMs },
      kinds: (kinds?.split(",") ?? []).map((kind) => KINDS[kind as keyof typeof KINDS]), // by the pattern
      state: state === undefined ? "CALL_STATE_UNSPECIFIED" : STATES[state],
    });
    const { calls = [], nextPageToken = "", timeMs = 0, sampled = false } = page;
    return { status: 200, body: { calls: calls.map(listedCallOf), nextPageToken, timeMs: Number(timeMs), sampled } };
  },
});
