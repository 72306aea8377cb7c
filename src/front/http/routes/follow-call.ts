import { Type } from "typebox";
import { type Answer, route, type StreamEvent } from "../route.js";
import type { RpcResponse } from "../rpcs.js";
import { CALL_EVENT, CALL_PARAM, terminalOf } from "../schemas/call-schemas.js";
import { rawOf } from "../schemas/raw.js";

/** What the id of a call's end has after the place that the output had come to: whoever has seen it has seen all. */
const END = ".end";

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
    204: { description: "`Last-Event-ID` is that of `terminal`: there is no more, and browsers do not ask again." },
  },
  async handle({ params, headers, ask }) {
    const last = headers["last-event-id"];
    const id = typeof last === "string" ? last : "";
    const hasSeenEnd = id.endsWith(END);
    const cursor = hasSeenEnd ? id.slice(0, -END.length) : id;
    const events = eventsOf(ask.stream("Gateway/FollowCall", { callId: params.call, cursor }), cursor);
    return hasSeenEnd ? unlessEnded(events) : { events };
  },
});

async function* eventsOf(
  messages: AsyncIterable<RpcResponse<"Gateway/FollowCall">>,
  from: string,
): AsyncGenerator<StreamEvent, void, void> {
  let last = from;
  for await (const { deltas = [], terminal } of messages) {
    for (const { cursor = "", dataJson, attempt = 0 } of deltas) {
      last = cursor;
      yield { id: cursor, event: "output", data: { attempt, data: rawOf(dataJson) ?? null } };
    }
    if (terminal !== undefined && terminal !== null)
      yield { id: `${last}${END}`, event: "terminal", data: { terminal: terminalOf(terminal) } };
  }
}

/**
 * The answer to a reader that says that it has seen the end. `EventSource` asks again whenever a stream is over, until it hears 204
 * (https://html.spec.whatwg.org/multipage/server-sent-events.html#processing-model). Where the call was admitted anew, it goes on.
 */
async function unlessEnded(events: AsyncGenerator<StreamEvent, void, void>): Promise<Answer> {
  const first = await events.next();
  if (!first.done && first.value.event !== "terminal") return { events: startingWith(first.value, events) };
  await events.return();
  return { status: 204 };
}

async function* startingWith(
  first: StreamEvent,
  events: AsyncGenerator<StreamEvent, void, void>,
): AsyncGenerator<StreamEvent, void, void> {
  yield first;
  yield* events;
}
