import { createServer } from "node:http";

/** What the benchmark asks of one of its processes: JSON there, JSON back, over loopback HTTP. */

interface Reply {
  readonly answer?: unknown;
  readonly error?: string;
}

/**
 * Answers orders until the process ends.
 *
 * @param handle what it throws is reported to the sender of the command.
 * @returns the address to send orders to
 */
export function serveCommands(handle: (command: unknown) => Promise<unknown>): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const answer = async (): Promise<Reply> => ({
        answer: await handle(JSON.parse(Buffer.concat(chunks).toString())),
      });
      answer()
        .catch((error: unknown): Reply => ({ error: error instanceof Error ? error.message : String(error) }))
        .then((reply) => response.end(JSON.stringify(reply)));
    });
  });
  return new Promise((resolve) => {
    // A connection that is closed for being idle may be just what the next command, some seconds later, is sent on.
    server.keepAliveTimeout = 0;
    server.listen(0, "127.0.0.1", () => {
      server.unref(); // orders alone keep no process alive
      const address = server.address();
      resolve(`127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`);
    });
  });
}

/** Sends a command, and resolves to its answer; the type parameter is what the other side is known to answer. */
export async function sendCommand<Answer>(address: string, command: object, signal: AbortSignal): Promise<Answer> {
  const response = await fetch(`http://${address}`, { method: "POST", body: JSON.stringify(command), signal });
  const { answer, error } = (await response.json()) as Reply; // our own process is at the other end
  if (error !== undefined) throw new Error(error);
  return answer as Answer;
}
