import type { CatalogReader } from "../../catalog/catalog-copy.js";
import type { Answer, RouteRequest, StreamEvent } from "../http/route.js";
import { type EndpointReader, readerOf } from "./endpoint-reader.js";
import { errorReply } from "./errors.js";
import type { ListedTools } from "./listed-tool.js";
import type { Endpoint } from "./mcp-request.js";
import { INVALID_REQUEST, METHOD_NOT_FOUND, type Message, type RequestId, readMessage } from "./message.js";
import { LEGACY_METHODS, MODERN_METHODS } from "./methods.js";
import { lastOf, type MethodAnswer, notificationMessage, type Reply, replyMessage, rpcError } from "./reply.js";
import { isModern, type Revision, readEnvelope } from "./revision.js";

/** What MCP's requests are served by. */
export interface McpParts {
  readonly catalog: CatalogReader;
  readonly listed: ListedTools;
  /** How long a client that takes tasks waits for the end of its call, before it gets a task instead: in milliseconds. */
  readonly taskAfterMs: number;
}

/** What the address of a request serves. */
export type EndpointOf = (reader: EndpointReader) => Promise<Endpoint> | Endpoint;

type Asked = Pick<RouteRequest<unknown, unknown>, "headers" | "body" | "ask" | "node">;

const ACCEPTED: Answer = { status: 202 };

/** Answers what is posted: a request by its end, or by a stream of what comes before it; anything else by having heard it. */
export async function serve(parts: McpParts, asked: Asked, endpointOf: EndpointOf): Promise<Answer> {
  const read = readMessage(asked.body);
  switch (read.kind) {
    case "fault":
      return answerOf(read.id, rpcError(read.code, read.why, { status: 400 }));
    case "response":
      return ACCEPTED; // to a question that this server did not ask
    case "batch":
      return serveBatch(parts, asked, read.parts, endpointOf);
    case "message":
      return serveMessage(parts, asked, read.message, endpointOf);
    default:
      return read satisfies never;
  }
}

async function serveMessage(parts: McpParts, asked: Asked, message: Message, endpointOf: EndpointOf): Promise<Answer> {
  const { id } = message;
  if (id === undefined) return ACCEPTED;
  const answer = await methodAnswer(parts, asked, message, id, endpointOf);
  return answer.kind === "stream" ? { events: eventsOf(id, answer) } : answerOf(id, answer);
}

async function methodAnswer(
  parts: McpParts,
  asked: Asked,
  { method, params }: Message,
  id: RequestId,
  endpointOf: EndpointOf,
): Promise<MethodAnswer> {
  const { headers, ask, node } = asked;
  const envelope = readEnvelope({ id, method, params }, headers);
  if ("kind" in envelope) return envelope;
  const modern = isModern(envelope.revision);
  const serveMethod = (modern ? MODERN_METHODS : LEGACY_METHODS).get(method);
  if (serveMethod === undefined)
    return rpcError(METHOD_NOT_FOUND, "There is no such method here.", modern ? { status: 404 } : {});
  try {
    const reader = readerOf(parts.catalog, ask.caller.access);
    const endpoint = await endpointOf(reader);
    const { listed, taskAfterMs } = parts;
    const request = { id, method, params, envelope, headers, reader, endpoint, listed, taskAfterMs, ask, node };
    return await serveMethod(request);
  } catch (error) {
    return errorReply(error);
  }
}

/** The one revision that has batches. */
const BATCHED: Revision = "2025-03-26";
const NO_BATCH = rpcError(INVALID_REQUEST, `Several messages in one body are of revision ${BATCHED} alone.`, {
  status: 400,
});

/** Several messages in one body, as revision 2025-03-26 has them: the ends of its requests, in one array. */
async function serveBatch(
  parts: McpParts,
  asked: Asked,
  bodies: readonly Buffer[],
  endpointOf: EndpointOf,
): Promise<Answer> {
  // Also what stands in between goes by the one header that all of them have.
  const said = asked.headers["mcp-protocol-version"] ?? BATCHED;
  if (said !== BATCHED) return answerOf(undefined, NO_BATCH);
  const ends = await Promise.all(bodies.map((body) => endOf(parts, asked, body, endpointOf)));
  const messages = ends.filter((end) => end !== undefined);
  return messages.length === 0 ? ACCEPTED : { status: 200, body: messages };
}

async function endOf(parts: McpParts, asked: Asked, body: Buffer, endpointOf: EndpointOf): Promise<object | undefined> {
  const read = readMessage(body);
  if (read.kind === "response") return undefined;
  if (read.kind === "batch") return replyMessage(undefined, rpcError(INVALID_REQUEST, "A batch holds messages."));
  if (read.kind === "fault") return replyMessage(read.id, rpcError(read.code, read.why));
  const { id } = read.message;
  if (id === undefined) return undefined;
  const envelope = readEnvelope(read.message, asked.headers);
  if (!("kind" in envelope) && envelope.revision !== BATCHED) return replyMessage(id, NO_BATCH);
  const answer = await methodAnswer(parts, asked, read.message, id, endpointOf);
  // There is no stream, in which anything could be told before the ends.
  const reply = answer.kind === "stream" ? lastOf(answer.messages).catch(errorReply) : answer;
  return replyMessage(id, await reply);
}

function answerOf(id: RequestId | undefined, reply: Reply): Answer {
  const status = reply.kind === "error" ? (reply.status ?? 200) : 200;
  return { status, headers: reply.headers ?? {}, body: replyMessage(id, reply) };
}

async function* eventsOf(
  id: RequestId,
  { messages }: Extract<MethodAnswer, { kind: "stream" }>,
): AsyncGenerator<StreamEvent, void, void> {
  try {
    for (;;) {
      const { done, value } = await messages.next();
      if (!done) {
        yield { event: "message", data: notificationMessage(value) };
        continue;
      }
      if (value !== undefined) yield { event: "message", data: replyMessage(id, value) };
      return;
    }
  } catch (error) {
    yield { event: "message", data: replyMessage(id, errorReply(error)) };
  } finally {
    await messages.return(undefined);
  }
}
