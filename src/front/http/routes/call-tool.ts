import { Type } from "typebox";
import { ToolgateError } from "../../../errors/toolgate-error.js";
import type { CallSpec__Output } from "../../../protocol/generated/toolgate/v1/CallSpec.js";
import { acceptedAnswer, endedAnswer } from "../call-answer.js";
import { CALL_HEADERS, prefersAsync, readCall } from "../call-request.js";
import { DURATION_PATTERN, parseDuration } from "../duration.js";
import { RequestFailure } from "../problem.js";
import { type Answer, type Ask, route } from "../route.js";
import { ACCEPTED_CALL } from "../schemas/call-schemas.js";
import { TOOL_PARAM, TOOLSET_PARAM } from "../schemas/query-schemas.js";

const CALL_ID_HEADER = { description: "The call's id.", schema: Type.String() };

export const CALL_TOOL = route({
  method: "POST",
  path: "/v1/toolsets/:toolset/tools/:tool(^[^:]+$)::call",
  documentedPath: "/v1/toolsets/{toolset}/tools/{tool}:call",
  rpc: "Gateway/Invoke",
  operationId: "callTool",
  summary: "Calls a tool. The body is its payload; the answer, its result.",
  tag: "calls",
  params: Type.Object({ toolset: TOOLSET_PARAM, tool: TOOL_PARAM }),
  query: Type.Object(
    {
      wait: Type.Optional(
        Type.String({
          pattern: DURATION_PATTERN,
          description: "How long the answer may wait for the end, as in `10s`; then it says where the end will be.",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  headers: CALL_HEADERS,
  body: "raw",
  answers: {
    200: {
      description: "The result, as the tool gave it.",
      schema: Type.Unknown(),
      headers: { "Toolgate-Call-Id": CALL_ID_HEADER },
    },
    202: {
      description: "The call was admitted, and has not ended yet.",
      schema: ACCEPTED_CALL,
      headers: {
        Location: { description: "Where its end will be.", schema: Type.String() },
        "Toolgate-Call-Id": CALL_ID_HEADER,
      },
    },
  },
  async handle({ params, query, headers, body, ask }) {
    const call = readCall(params.toolset, params.tool, body, headers);
    const { wait } = query;
    if (wait !== undefined) return waitFor(ask, call, parseDuration(wait, "wait"));
    if (prefersAsync(headers)) {
      const { handle, repeatedRequest = false } = await ask.unary("Gateway/CallTool", { call });
      return acceptedAnswer(handle, repeatedRequest);
    }
    const { handle, terminal } = await ask.unary("Gateway/Invoke", { call });
    return endedAnswer(handle, terminal ?? {});
  },
});

/** The end of a call if it comes in time; else where it will be. The call goes on in either case, for its caller has its id. */
async function waitFor(ask: Ask, call: CallSpec__Output, withinMs: number): Promise<Answer> {
  const { handle, repeatedRequest = false } = await ask.unary("Gateway/CallTool", { call });
  try {
    const messages = ask.stream("Gateway/FollowCall", { callId: handle?.callId ?? "" }, { withinMs });
    for await (const { terminal } of messages)
      if (terminal !== undefined && terminal !== null) return endedAnswer(handle, terminal);
  } catch (error) {
    const why = error instanceof RequestFailure ? error.failure.error : error;
    if (!(why instanceof ToolgateError) || why.reason !== "DEADLINE_EXCEEDED") throw error;
  }
  return acceptedAnswer(handle, repeatedRequest);
}
