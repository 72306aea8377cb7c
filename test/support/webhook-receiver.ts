import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

/** A message as it came. */
export interface ReceivedMessage {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** How a receiver answers: a status, with headers where there are some. */
export type ReceiverAnswer = number | { readonly status: number; readonly headers: Readonly<Record<string, string>> };

/** Takes webhooks' messages on loopback. */
export interface WebhookReceiver {
  readonly port: number;
  readonly messages: readonly ReceivedMessage[];
  /** Those of a path. */
  of(path: string): readonly ReceivedMessage[];
  /** What a path answers in turn; the last one from then on. 204 unless said. */
  answer(path: string, answers: readonly ReceiverAnswer[]): void;
  stop(): Promise<void>;
}

/** @param host an address of this machine's loopback network */
export async function webhookReceiver(host = "127.0.0.1"): Promise<WebhookReceiver> {
  const messages: ReceivedMessage[] = [];
  const answers = new Map<string, ReceiverAnswer[]>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const path = request.url ?? "";
      messages.push({ path, headers: request.headers, body: Buffer.concat(parts).toString() });
      const turns = answers.get(path) ?? [];
      const answer = (turns.length > 1 ? turns.shift() : turns[0]) ?? 204;
      const { status, headers } = typeof answer === "number" ? { status: answer, headers: {} } : answer;
      response.writeHead(status, headers).end();
    });
  });
  server.listen(0, host);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port, // it listens on TCP
    messages,
    of: (path) => messages.filter((message) => message.path === path),
    answer(path, inTurn) {
      answers.set(path, [...inTurn]);
    },
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
