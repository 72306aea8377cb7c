import { Type } from "typebox";
import { route, type StreamEvent } from "../route.js";
import type { RpcResponse } from "../rpcs.js";
import { CALL_EVENT, CALL_PARAM, terminalOf } from "../schemas/call-schemas.js";
import { rawOf } from "../schemas/raw.js";

export const FOLLOW_CALL = route({
  method: "GET",
  path: "/v1/calls/:call/events",
  rpc: "Gateway/FollowCall",
  operationId: "followCall",
  summary: "A call's output, then how it ended, as server-sent events: `output`, `terminal`, `problem`.",
  tag: "calls",
  params: Type.Object({ call: CALL_PARAM }),
  answers: {
    200: {
      description: "Events. With `Last-Event-ID`, what came after that event.",
      schema: CALL_EVENT,
      contentType: "text/event-stream",
    },
  },
  async handle({ params, headers, ask }) {
    const last = headers["last-event-id"];
    const cursor = typeof last === "string" ? last : "";
    return { events: eventsOf(ask.stream("Gateway/FollowCall", { callId: params.call, cursor })) };
  },
});

async function* eventsOf(
  messages: AsyncIterable<RpcResponse<"Gateway/FollowCall">>,
): AsyncGenerator<StreamEvent, void, void> {
  for await (const { deltas = [], terminal } of messages) {
    for (const { cursor = "", dataJson, attempt = 0 } of deltas)
      yield { id: cursor, event: "output", data: { attempt, data: rawOf(dataJson) ?? null } };
    if (terminal !== undefined && terminal !== null)
      yield { event: "terminal", data: { terminal: terminalOf(terminal) } };
  }
}
