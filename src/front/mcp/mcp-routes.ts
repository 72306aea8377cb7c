import { Type } from "typebox";
import { type Answer, type Route, type RouteRequest, route, type StreamEvent } from "../http/route.js";
import { TOOLSET_PARAM } from "../http/schemas/query-schemas.js";
import type { EndpointReader } from "./endpoint-reader.js";
import { allTools, toolsOf } from "./endpoints/catalog.js";
import { metaTools } from "./endpoints/meta.js";
import { listChanges } from "./list-changes.js";
import { ListedTools } from "./listed-tool.js";
import { notificationMessage } from "./reply.js";
import { MODERN } from "./revision.js";
import { type EndpointOf, type McpParts, serve } from "./serve.js";

/** One address, and what it serves. */
interface Address {
  readonly path: string;
  readonly name: string;
  readonly summary: string;
  readonly params?: ReturnType<typeof Type.Object>;
  /** What a request to it is served by. */
  readonly endpointOf: (request: Pick<RouteRequest<{ toolset?: string }, unknown>, "params">) => EndpointOf;
}

const ADDRESSES: readonly Address[] = [
  {
    path: "/mcp",
    name: "All",
    summary: "MCP over streamable HTTP: all tools that the caller may see.",
    endpointOf: () => allTools,
  },
  {
    path: "/mcp/meta",
    name: "Meta",
    summary: "MCP over streamable HTTP: tools that find, describe and call those of `/mcp`.",
    endpointOf: () => metaTools,
  },
  {
    path: "/mcp/t/:toolset",
    name: "Toolset",
    summary: "MCP over streamable HTTP: the tools of one toolset, by their own names.",
    params: Type.Object({ toolset: TOOLSET_PARAM }),
    endpointOf:
      ({ params }) =>
      (reader: EndpointReader) =>
        toolsOf(reader, params.toolset ?? ""),
  },
];

const MESSAGE = Type.Unknown({ description: "A message of JSON-RPC, as MCP has it." });
const STREAM = "text/event-stream";

/**
 * The routes of MCP (https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http). They ask for no more than
 * a caller: what a request's method shows or does is decided by the rules of the RPCs that it asks.
 */
export function mcpRoutes(parts: Omit<McpParts, "listed">): readonly Route[] {
  const served: McpParts = { ...parts, listed: new ListedTools() };
  return ADDRESSES.flatMap(({ path, name, summary, params, endpointOf }) => {
    const common = {
      path,
      rpc: "Access/WhoAmI" as const,
      tag: "mcp",
      ...(params === undefined ? {} : { params }),
    };
    return [
      route({
        ...common,
        method: "POST",
        operationId: `mcp${name}`,
        summary,
        body: "raw",
        answers: {
          200: { description: "The request's end, or a stream of what comes before it.", schema: MESSAGE },
          202: { description: "The message was no request." },
        },
        handle: (request) => serve(served, request, endpointOf(request)),
      }),
      route({
        ...common,
        method: "GET",
        operationId: `mcp${name}Listen`,
        summary: `${summary} Announces, to clients of the revisions before ${MODERN}, that the list has changed.`,
        answers: {
          200: { description: "Notifications.", schema: MESSAGE, contentType: STREAM },
          405: { description: "The client takes no stream, or speaks a revision that has none here." },
        },
        async handle({ headers, ask, params }): Promise<Answer> {
          const takesStream = String(headers.accept ?? "").includes(STREAM);
          if (!takesStream || headers["mcp-protocol-version"] === MODERN) return NOT_ALLOWED;
          const { toolset } = params as { readonly toolset?: string };
          return { events: announcements(listChanges(ask, toolset)) };
        },
      }),
      route({
        ...common,
        method: "DELETE",
        operationId: `mcp${name}End`,
        summary: "There are no sessions that could be ended.",
        answers: { 405: { description: "Not allowed." } },
        handle: async () => NOT_ALLOWED,
      }),
    ];
  });
}

const NOT_ALLOWED: Answer = { status: 405, headers: { allow: "POST" } };

async function* announcements(changes: AsyncIterable<void>): AsyncGenerator<StreamEvent, void, void> {
  for await (const _changed of changes)
    yield { event: "message", data: notificationMessage({ method: "notifications/tools/list_changed", params: {} }) };
}
