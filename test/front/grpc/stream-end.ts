import type { ClientDuplexStream, ClientReadableStream, ServiceError } from "@grpc/grpc-js";
import type { ToolgateError } from "../../../src/errors/toolgate-error.js";
import { fromServiceError } from "../../../src/protocol/status-details.js";

/** What came on a stream, and the error that it ended with, if it did. */
export interface Received<Message> {
  readonly messages: Message[];
  readonly error: ToolgateError | undefined;
}

/** Reads a client's stream to its end, good or bad. */
export function endOf<Message>(
  stream: ClientReadableStream<Message> | ClientDuplexStream<never, Message>,
): Promise<Received<Message>> {
  const messages: Message[] = [];
  return new Promise((resolve) => {
    stream.on("data", (message: Message) => messages.push(message));
    stream.on("error", (error: ServiceError) => resolve({ messages, error: fromServiceError(error) }));
    stream.on("end", () => resolve({ messages, error: undefined }));
  });
}
