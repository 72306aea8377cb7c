import { Type } from "typebox";
import type { StreamEvent } from "../route.js";
import { route } from "../route.js";
import type { RpcResponse } from "../rpcs.js";
import { changeOf, summaryOf, TOOLSET_SUMMARY } from "../schemas/toolset-schemas.js";

const EVENT = Type.Object(
  {
    toolsets: Type.Optional(Type.Array(TOOLSET_SUMMARY, { description: "Of a `snapshot`: a part of all there are." })),
    more: Type.Optional(Type.Boolean({ description: "Of a `snapshot`: another part follows." })),
    kind: Type.Optional(Type.String({ description: "Of a `change`: what has happened." })),
    toolset: Type.Optional(Type.String()),
    epoch: Type.Optional(Type.Integer()),
    atMs: Type.Optional(Type.Integer()),
    summary: Type.Optional(TOOLSET_SUMMARY),
  },
  { $id: "ToolsetEvent" },
);

export const WATCH_TOOLSETS = route({
  method: "GET",
  path: "/v1/toolsets::watch",
  documentedPath: "/v1/toolsets:watch",
  rpc: "Catalog/Watch",
  operationId: "watchToolsets",
  summary: "All toolsets, then what changes of them, as server-sent events: `snapshot`, `change`, `problem`.",
  tag: "toolsets",
  query: Type.Object(
    {
      toolsets: Type.Optional(
        Type.String({ maxLength: 8_192, description: "Only these toolsets, with commas between them." }),
      ),
    },
    { additionalProperties: false },
  ),
  answers: {
    200: {
      description: "Events. With `Last-Event-ID`, only what has changed since that event.",
      schema: EVENT,
      contentType: "text/event-stream",
    },
  },
  async handle({ query, headers, ask }) {
    const last = headers["last-event-id"];
    const messages = ask.stream("Catalog/Watch", {
      revision: typeof last === "string" ? last : "",
      toolsets: query.toolsets === undefined ? [] : query.toolsets.split(",").map((name) => name.trim()),
    });
    return { events: eventsOf(messages) };
  },
});

async function* eventsOf(
  messages: AsyncIterable<RpcResponse<"Catalog/Watch">>,
): AsyncGenerator<StreamEvent, void, void> {
  for await (const { revision = "", snapshot, changes = [] } of messages) {
    // Only with a revision does a reader know where to go on.
    const at = revision === "" ? {} : { id: revision };
    if (snapshot !== undefined && snapshot !== null) {
      const { toolsets = [], more = false } = snapshot;
      yield { ...at, event: "snapshot", data: { toolsets: toolsets.map(summaryOf), more } };
    }
    for (const [index, change] of changes.entries())
      yield { ...(index === changes.length - 1 ? at : {}), event: "change", data: changeOf(change) };
  }
}
