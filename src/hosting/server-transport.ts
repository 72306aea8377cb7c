import { LineSplitter } from "./line-splitter.js";
import type { ServerProcess } from "./server-process.js";

/**
 * The largest message that is taken from a server, in bytes. A larger answer becomes an error of its call alone. It is more than
 * the largest result that any registry takes (32 MiB), so that the registry's own limit is the one that counts.
 */
export const DEFAULT_MAX_MESSAGE_BYTES = 34 * 1024 * 1024;
/**
 * The most bytes that may wait for a server to read them; one that reads nothing is ended. It is several of the largest payloads
 * that any registry takes (32 MiB), so that a server that is busy does not end for two of them.
 */
const MAX_UNREAD_BYTES = 256 * 1024 * 1024;
const NEWLINE = Buffer.from("\n");

/** What comes from a server. */
export interface ServerSink {
  /** A line of its stdout. */
  onLine(line: Buffer): void;
  /** A line of its stdout that was over the limit: its two ends. */
  onOversizedLine(head: Buffer, tail: Buffer, bytes: number): void;
  /** What it wrote to its stderr. */
  onStderr(chunk: Buffer): void;
  /** Something that went wrong with its streams. */
  onFault(message: string): void;
  /** It is gone; nothing comes after this. */
  onEnd(): void;
}

/** Lines to and from a guarded server: MCP's transport over stdio. It buffers no more than one message. */
export class ServerTransport {
  readonly #process: ServerProcess;
  readonly #sink: ServerSink;
  readonly #splitter: LineSplitter;
  #stdin: (NodeJS.WritableStream & { readonly writableLength: number }) | undefined;
  #unreadLines = 0;

  constructor(process: ServerProcess, sink: ServerSink, maxMessageBytes: number) {
    this.#process = process;
    this.#sink = sink;
    this.#splitter = new LineSplitter(maxMessageBytes, {
      line: (bytes) => {
        if (!isBlank(bytes)) sink.onLine(bytes);
      },
      oversized: (head, tail, bytes) => sink.onOversizedLine(head, tail, bytes),
    });
  }

  async start(): Promise<void> {
    const { stdin, stdout, stderr } = await this.#process.start();
    this.#stdin = stdin;
    stdout.on("data", (chunk: Buffer) => this.#splitter.push(chunk));
    stdout.on("error", (error) => this.#sink.onFault(error.message));
    stderr.on("data", (chunk: Buffer) => this.#sink.onStderr(chunk));
    stderr.on("error", (error) => this.#sink.onFault(error.message));
    void this.#process.ended.then(() => {
      this.#stdin = undefined;
      this.#splitter.end();
      this.#sink.onEnd();
    });
  }

  /** How many lines wait for the server to read them. */
  get unreadLines(): number {
    return this.#unreadLines;
  }

  /** Sends one line; its newline is added. What a server that is gone does not get is lost. */
  send(line: Buffer): void {
    const stdin = this.#stdin;
    if (stdin === undefined) return;
    this.#unreadLines += 1;
    stdin.write(Buffer.concat([line, NEWLINE]), () => {
      this.#unreadLines -= 1;
    });
    if (stdin.writableLength <= MAX_UNREAD_BYTES) return;
    this.#sink.onFault(`the server left ${stdin.writableLength} bytes unread; it is ended`);
    void this.#process.stop();
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
