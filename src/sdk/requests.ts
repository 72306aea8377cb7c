import type { ClientReadableStream, Metadata } from "@grpc/grpc-js";
import type { NodeClients } from "./remote-node.js";
import type { Send } from "./request.js";

/** How the parts of a client ask its nodes; what they throw is what `sendRequest` and `resumedStream` throw. */
export interface Requests {
  /** What changes nothing, or does no more the second time: it goes to another node when one is lost. */
  read<Answer>(signal: AbortSignal | undefined, send: Send<Answer>): Promise<Answer>;
  /** What may have had its effect when a node is lost with it: it is not repeated then. */
  write<Answer>(signal: AbortSignal | undefined, send: Send<Answer>): Promise<Answer>;
  /** A stream that goes on at another node, until it is left, its signal aborts or the client is closed. */
  stream<Message>(
    signal: AbortSignal | undefined,
    open: (clients: NodeClients, metadata: Metadata) => ClientReadableStream<Message>,
  ): AsyncGenerator<Message, void, void>;
}
