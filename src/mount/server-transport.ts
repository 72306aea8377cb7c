import type { Transport } from "@modelcontextprotocol/sdk/shared/transport.js";
import { type JSONRPCMessage, JSONRPCMessageSchema } from "@modelcontextprotocol/sdk/types.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { LineSplitter } from "./line-splitter.js";
import type { ServerProcess } from "./server-process.js";

/** The largest message that is taken from a server, in bytes. A larger answer becomes an error of its call alone. */
export const DEFAULT_MAX_MESSAGE_BYTES = 8 * 1024 * 1024;
/** The most bytes that may wait for a server to read them; one that reads nothing is ended. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;
/** JSON-RPC code for an answer that was too large, from the range that servers may define. */
export const MESSAGE_TOO_LARGE = -32_050;

/**
 * The MCP transport over a guarded process. The SDK's own StdioClientTransport can only signal the process that it started
 * itself, buffers without regard to a single message, and closes the whole server over one answer that is too large.
 */
export class ServerTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #process: ServerProcess;
  readonly #onStderr: (chunk: Buffer) => void;
  readonly #splitter: LineSplitter;
  #stdin: (NodeJS.WritableStream & { readonly writableLength: number }) | undefined;

  constructor(
    process: ServerProcess,
    onStderr: (chunk: Buffer) => void,
    maxMessageBytes: number = DEFAULT_MAX_MESSAGE_BYTES,
  ) {
    this.#process = process;
    this.#onStderr = onStderr;
    this.#splitter = new LineSplitter(maxMessageBytes, {
      line: (bytes) => this.#receive(bytes),
      oversized: (head, tail, bytes) => this.#receiveOversized(head, tail, bytes, maxMessageBytes),
    });
  }

  async start(): Promise<void> {
    const { stdin, stdout, stderr } = await this.#process.start();
    this.#stdin = stdin;
    stdout.on("data", (chunk: Buffer) => this.#splitter.push(chunk));
    stdout.on("error", (error) => this.onerror?.(error));
    stderr.on("data", this.#onStderr);
    stderr.on("error", (error) => this.onerror?.(error));
    void this.#process.ended.then(() => {
      this.#stdin = undefined;
      this.onclose?.();
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#stdin;
    if (stdin === undefined) return Promise.reject(new ToolgateError("INTERNAL", "the MCP server is not running"));
    stdin.write(`${JSON.stringify(message)}\n`);
    if (stdin.writableLength > MAX_UNREAD_BYTES) {
      this.onerror?.(new Error(`the server left ${stdin.writableLength} bytes unread; it is ended`));
      void this.#process.stop();
    }
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#process.stop();
  }

  #receive(bytes: Buffer): void {
    let message: JSONRPCMessage;
    try {
      const text = bytes.toString("utf8").trim();
      if (text === "") return;
      message = JSONRPCMessageSchema.parse(JSON.parse(text));
    } catch (error) {
      this.onerror?.(new Error(`a line on stdout that is no JSON-RPC message: ${firstLine(error)}`));
      return;
    }
    // The SDK handles a notification one microtask after it came, but an answer at once: without the same delay, the last
    // progress of a call would come after the answer, and be dropped.
    if ("method" in message) this.#deliver(message);
    else queueMicrotask(() => this.#deliver(message));
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(new Error(`a message that could not be handled: ${firstLine(error)}`));
    }
  }

  /** The call that it answers learns of it; the others go on. */
  #receiveOversized(head: Buffer, tail: Buffer, bytes: number, limit: number): void {
    const message = `the MCP server's answer of ${bytes} bytes is over the limit of ${limit} bytes`;
    const id = answeredId(head.toString("latin1"), tail.toString("latin1"));
    if (id === undefined) this.onerror?.(new Error(message));
    else this.#deliver({ jsonrpc: "2.0", id, error: { code: MESSAGE_TOO_LARGE, message } });
  }
}

/** The id of an answer of which only both ends are at hand; servers write it first or last. The client's ids are numbers. */
function answeredId(head: string, tail: string): number | undefined {
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*([0-9]{1,15})\s*,/.exec(head);
  const last = /,\s*"id"\s*:\s*([0-9]{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail);
  const id = first?.[1] ?? last?.[1];
  return id === undefined ? undefined : Number(id);
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
