import type { IncomingHttpHeaders } from "node:http";
import type { Ask, RouteNode } from "../http/route.js";
import type { EndpointReader } from "./endpoint-reader.js";
import type { ListedTools } from "./listed-tool.js";
import type { Members, RequestId } from "./message.js";
import type { MethodAnswer } from "./reply.js";
import type { Envelope } from "./revision.js";

/** A request of MCP on its way to the method that it names. */
export interface McpRequest {
  readonly id: RequestId;
  readonly method: string;
  readonly params: Members;
  readonly envelope: Envelope;
  readonly headers: IncomingHttpHeaders;
  readonly reader: EndpointReader;
  readonly endpoint: Endpoint;
  readonly listed: ListedTools;
  /** How long a client that takes tasks waits for the end of its call, before it gets a task instead: in milliseconds. */
  readonly taskAfterMs: number;
  readonly ask: Ask;
  readonly node: Pick<RouteNode, "asksWho">;
}

/** A method of MCP. What it throws becomes the request's error. */
export type McpMethod = (request: McpRequest) => Promise<MethodAnswer> | MethodAnswer;

/** What one address of MCP serves. */
export interface Endpoint {
  /** The one toolset that it has, as its caller names it; undefined where it may have several. */
  readonly toolset: string | undefined;
  /** How to use it, for the model. */
  readonly instructions: string | undefined;
  readonly listTools: McpMethod;
  readonly callTool: McpMethod;
}
