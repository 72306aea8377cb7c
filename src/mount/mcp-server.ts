import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import {
  ErrorCode,
  McpError,
  type Progress,
  ResultSchema,
  ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { printable, ServerLog } from "./server-log.js";
import { describeExit, type ServerCommand, type ServerExit, ServerProcess } from "./server-process.js";
import { ServerTransport } from "./server-transport.js";
import { TokenBucket } from "./token-bucket.js";

/** How the client introduces itself; servers do not decide by it. */
const CLIENT_VERSION = "1";
/** A server that does nothing right must not fill the log. */
const FAULTS_AT_ONCE = 20;
const FAULTS_PER_SECOND = 1;
/** How the client's error begins when progress comes for a call that has ended. */
const LATE_PROGRESS = "Received a progress notification for an unknown token";
/** More pages than any server has; one that never ends its list is stopped here. */
const MAX_LIST_PAGES = 100;
/** As many tools as a toolset may have. */
const MAX_TOOLS = 1_024;

/** Who an MCP server says it is. */
export interface ServerIdentity {
  readonly name: string;
  readonly version: string;
  readonly title?: string;
  readonly instructions?: string;
}

export interface McpServerOptions {
  readonly command: ServerCommand;
  /** How long the command may take until it has answered `initialize`, in milliseconds. */
  readonly startTimeoutMs: number;
  readonly stopGraceMs?: number;
  readonly maxMessageBytes?: number;
  readonly now: () => number;
  /** Each line of the server's stderr, bounded in length and rate. */
  onLogLine(line: string): void;
  /** Something that the server did wrong and that goes no further. */
  onFault(message: string): void;
  /** The server says that its tools are others now. */
  onToolsChanged(): void;
}

/** How one call of a tool is to be made. */
export interface ToolCallOptions {
  /** Stops waiting, and tells the server. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  onProgress(progress: Progress): void;
}

/** How a call of a tool ended at its server. */
export type ToolCallOutcome =
  /** The server's CallToolResult, unread. */
  | { readonly kind: "answer"; readonly answer: { readonly [key: string]: unknown } }
  /** A JSON-RPC error. */
  | { readonly kind: "refused"; readonly code: number; readonly message: string; readonly data: unknown }
  | { readonly kind: "timed_out" }
  /** The server ended after the call had been sent: the tool may have run. */
  | { readonly kind: "died" }
  /** The server was gone before the call was sent. */
  | { readonly kind: "not_sent" };

/**
 * One run of an MCP server: its processes, and the client that speaks to it. What the server sends is a stranger's data: its
 * lists are returned unread, and no schema of it is compiled here (the SDK's own listTools and callTool would).
 */
export class McpServer {
  readonly #options: McpServerOptions;
  readonly #process: ServerProcess;
  readonly #log: ServerLog;
  readonly #client: Client;

  constructor(options: McpServerOptions) {
    this.#options = options;
    this.#process = new ServerProcess(options.command, options.stopGraceMs);
    this.#log = new ServerLog((line) => options.onLogLine(line), options.now);
    this.#client = new Client({ name: "toolgate", version: CLIENT_VERSION });
    const faults = new TokenBucket(FAULTS_AT_ONCE, FAULTS_PER_SECOND, options.now());
    this.#client.onerror = ({ message }) => {
      // A server goes on reporting until it has heard of a cancellation: no fault.
      if (message.startsWith(LATE_PROGRESS)) return;
      if (faults.take(options.now())) options.onFault(printable(withoutFrame(message), 300));
    };
    this.#client.setNotificationHandler(ToolListChangedNotificationSchema, () => options.onToolsChanged());
  }

  /** Resolves when the server's processes are gone. */
  get ended(): Promise<ServerExit> {
    return this.#process.ended;
  }

  /** The process group of the server; undefined when it does not run. */
  get group(): number | undefined {
    return this.#process.group;
  }

  /** The last lines of its stderr. */
  get lastLines(): readonly string[] {
    return this.#log.tail;
  }

  /**
   * Starts the server and greets it. When that fails, nothing of it is left running.
   * @throws ToolgateError INVALID_CONFIG when the command cannot be started, or does not speak MCP
   */
  async start(signal: AbortSignal): Promise<ServerIdentity> {
    const transport = new ServerTransport(
      this.#process,
      (chunk) => this.#log.push(chunk),
      this.#options.maxMessageBytes,
    );
    try {
      signal.throwIfAborted();
      await this.#client.connect(transport, { timeout: this.#options.startTimeoutMs, signal: ownSignal(signal) });
    } catch (error) {
      await this.#process.stop();
      if (error instanceof ToolgateError) throw error;
      signal.throwIfAborted();
      throw await this.#startFailure(error);
    }
    return this.identity;
  }

  /** Who the server says it is; empty before it was greeted. */
  get identity(): ServerIdentity {
    const { name = "", version = "", title } = this.#client.getServerVersion() ?? {};
    const instructions = this.#client.getInstructions();
    return {
      name,
      version,
      ...(title === undefined ? {} : { title }),
      ...(instructions === undefined ? {} : { instructions }),
    };
  }

  /** All pages of the server's tools, as it sent them. */
  async listTools(signal: AbortSignal): Promise<readonly unknown[]> {
    const tools: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < MAX_LIST_PAGES; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await this.#client.request({ method: "tools/list", params }, ResultSchema, {
        signal: ownSignal(signal),
        timeout: this.#options.startTimeoutMs,
      });
      if (Array.isArray(answer.tools)) tools.push(...answer.tools);
      cursor = typeof answer.nextCursor === "string" ? answer.nextCursor : undefined;
      if (cursor === undefined || tools.length > MAX_TOOLS) return tools;
    }
    this.#options.onFault(`the list of tools has more than ${MAX_LIST_PAGES} pages; the rest is left out`);
    return tools;
  }

  /**
   * Calls a tool. What the server answers, also that it failed, is a value.
   * @throws the signal's reason, once it has aborted
   */
  async callTool(tool: string, args: unknown, options: ToolCallOptions): Promise<ToolCallOutcome> {
    if (this.#process.group === undefined) return { kind: "not_sent" };
    try {
      const request = { method: "tools/call", params: { name: tool, arguments: args } };
      const answer = await this.#client.request(request, ResultSchema, {
        signal: options.signal,
        timeout: options.timeoutMs,
        onprogress: (progress) => options.onProgress(progress),
      });
      return { kind: "answer", answer };
    } catch (error) {
      options.signal.throwIfAborted();
      // A server may use the code of a closed connection itself, so the process is what tells.
      if (this.#process.group === undefined) return { kind: "died" };
      if (!(error instanceof McpError)) throw error;
      if (error.code === ErrorCode.RequestTimeout) return { kind: "timed_out" };
      return { kind: "refused", code: error.code, message: bareMessage(error), data: error.data };
    }
  }

  /** Ends the server and all that it started. Idempotent. */
  async stop(): Promise<void> {
    await this.#process.stop();
    await this.#client.close();
    this.#log.end();
  }

  async #startFailure(cause: unknown): Promise<ToolgateError> {
    this.#log.end();
    const { command, args } = this.#options.command;
    const exit = await this.#process.ended;
    const said =
      this.lastLines.length === 0 ? "It wrote nothing to stderr." : `Its last lines:\n  ${this.lastLines.join("\n  ")}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new ToolgateError(
      "INVALID_CONFIG",
      `"${[command, ...args].join(" ")}" did not answer as an MCP server over stdio (${printable(why, 300)}; it ${describeExit(exit)}). ${said}`,
      { cause },
    );
  }
}

/** The client puts the message that it could not use, as JSON, behind what was wrong with it. */
function withoutFrame(message: string): string {
  return message.replace(/: \{.*$/s, "");
}

/** McpError puts its code before the server's own message. */
function bareMessage(error: McpError): string {
  return error.message.replace(/^MCP error -?[0-9]+: /, "");
}

/** The SDK never takes its listeners off a signal; one that lives long must not collect them. */
function ownSignal(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal]);
}
