import { LineSplitter } from "../../src/hosting/line-splitter.js";
import { type ServerCommand, ServerProcess } from "../../src/hosting/server-process.js";
import { DEFAULT_MAX_MESSAGE_BYTES } from "../../src/hosting/server-transport.js";
import { slicesOf } from "../../src/json/json-slices.js";

/** What a server answered: the value and, of a result, also the text that it was written in. */
export type DirectAnswer =
  | { readonly kind: "result"; readonly result: Record<string, unknown>; readonly text: string }
  | { readonly kind: "error"; readonly error: { readonly code: number; readonly message: string } };

/** The revision of MCP that is asked for; the mount asks for the same or a newer one. */
const PROTOCOL_VERSION = "2025-06-18";
const ANSWER_WITHIN_MS = 60_000;
const MAX_PAGES = 100;
const LAST_STDERR_CHARACTERS = 600;

/**
 * A client of an MCP server over stdio, as plain as can be: the other side of the comparison, so it shares nothing with the
 * mount but how a server's process is started and ended.
 */
export class DirectClient {
  readonly #process: ServerProcess;
  readonly #waiting = new Map<number, (answer: DirectAnswer) => void>();
  #write: (line: string) => void = () => {};
  #lastId = 0;
  #stderr = "";

  constructor(command: ServerCommand) {
    this.#process = new ServerProcess(command);
  }

  /**
   * Starts the server and opens the session.
   *
   * @throws Error when the server does not answer as an MCP server.
   */
  async start(): Promise<void> {
    const { stdin, stdout, stderr } = await this.#process.start();
    const splitter = new LineSplitter(DEFAULT_MAX_MESSAGE_BYTES, {
      line: (bytes) => this.#receive(bytes),
      oversized: () => {},
    });
    stdout.on("data", (chunk: Buffer) => splitter.push(chunk));
    stderr.on("data", (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString("utf8")).slice(-LAST_STDERR_CHARACTERS);
    });
    stdin.on("error", () => {}); // its end is what tells
    this.#write = (line) => void stdin.write(`${line}\n`);
    const opened = await this.request(
      "initialize",
      `{"protocolVersion":"${PROTOCOL_VERSION}","capabilities":{},"clientInfo":{"name":"direct","version":"1"}}`,
    );
    if (opened.kind === "error") throw new Error(`initialize: ${opened.error.message}`);
    this.#write('{"jsonrpc":"2.0","method":"notifications/initialized"}');
  }

  /**
   * Sends a request.
   *
   * @param params JSON text; sent as it is.
   * @throws Error when no answer comes within a minute, or the server ends.
   */
  async request(method: string, params: string): Promise<DirectAnswer> {
    this.#lastId += 1;
    const id = this.#lastId;
    const answered = new Promise<DirectAnswer>((resolve) => this.#waiting.set(id, resolve));
    this.#write(`{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(method)},"params":${params}}`);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`${method}: no answer within ${ANSWER_WITHIN_MS / 1_000} s`)),
        ANSWER_WITHIN_MS,
      );
    });
    const ended = this.#process.ended.then(({ code, signal }) => {
      throw new Error(`${method}: the server ended (${signal ?? code}): ${this.#stderr.trim()}`);
    });
    try {
      return await Promise.race([answered, late, ended]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
      ended.catch(() => {});
    }
  }

  /** The names of all listed tools. */
  async toolNames(): Promise<readonly string[]> {
    const names: string[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const params = cursor === undefined ? "{}" : JSON.stringify({ cursor });
      const answer = await this.request("tools/list", params);
      if (answer.kind === "error") throw new Error(`tools/list: ${answer.error.message}`);
      const { tools, nextCursor } = answer.result as { tools?: { name: string }[]; nextCursor?: string }; // as MCP says
      names.push(...(tools ?? []).map(({ name }) => name));
      if (typeof nextCursor !== "string" || nextCursor === "") break;
      cursor = nextCursor;
    }
    return names;
  }

  /** Ends the server and all that it started. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  #receive(line: Buffer): void {
    let message: unknown;
    try {
      message = JSON.parse(line.toString("utf8"));
    } catch {
      return; // servers write other lines too
    }
    if (typeof message !== "object" || message === null || !("id" in message)) return;
    const { id } = message;
    // What the server asks is refused: this client offers nothing.
    if ("method" in message) {
      const refusal = { jsonrpc: "2.0", id, error: { code: -32_601, message: "not offered" } };
      this.#write(JSON.stringify(refusal));
      return;
    }
    const resolve = typeof id === "number" ? this.#waiting.get(id) : undefined;
    if (resolve === undefined) return;
    if ("error" in message && message.error !== null)
      resolve({ kind: "error", error: message.error as { code: number; message: string } }); // JSON-RPC's form
    else if ("result" in message) {
      const place = [...slicesOf(line)].find(({ key }) => key === "result");
      const text = line.toString("utf8", place?.start, place?.end);
      resolve({ kind: "result", result: message.result as Record<string, unknown>, text }); // as MCP says
    }
  }
}
