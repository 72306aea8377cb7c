import { deferred } from "../async/deferred.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Json } from "../json/json.js";
import { TokenBucket } from "../limits/token-bucket.js";
import type { TraceContext } from "../observe/traces/trace-context.js";
import { JsonRpcPeer, type RpcOutcome } from "./json-rpc-peer.js";
import type { Progress } from "./progress.js";
import { printable, ServerLog } from "./server-log.js";
import { type LogLevel, ServerMessages } from "./server-messages.js";
import { describeExit, type ServerCommand, type ServerExit, ServerProcess } from "./server-process.js";
import { DEFAULT_MAX_MESSAGE_BYTES, ServerTransport } from "./server-transport.js";

/** The revision of MCP that is offered: the last one that opens with `initialize`. */
const PROTOCOL_VERSION = "2025-11-25";
/** Revisions whose tools are called in the same way. */
const SUPPORTED_VERSIONS: readonly string[] = [
  "2024-10-07",
  "2024-11-05",
  "2025-03-26",
  "2025-06-18",
  PROTOCOL_VERSION,
];
/** How the client introduces itself; servers do not decide by it. */
const CLIENT_INFO = { name: "toolgate", version: "1" };
/** A server that does nothing right must not fill the log. */
const FAULTS_AT_ONCE = 20;
const FAULTS_PER_SECOND = 1;
/** More pages than any server has; one that never ends its list is stopped here. */
const MAX_LIST_PAGES = 100;
/** More tools than any server has, and more than a toolset may have: some are chosen of them. */
const MAX_LISTED_TOOLS = 10_000;

/** An MCP server's name, version and texts, as it says them. */
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
  /** Each message that it logs by MCP's own way, bounded in length and rate. */
  onLogMessage(level: LogLevel, message: string): void;
  /** Something that the server did wrong and that goes no further. */
  onFault(message: string): void;
  /** The server says that its tools are others now. */
  onToolsChanged(): void;
}

/** How one call of a tool is to be made. */
export interface ToolCallOptions {
  /** Stops waiting, and notifies the server. */
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  onProgress(progress: Progress): void;
  /** The trace that the call belongs to, if any. */
  readonly trace?: TraceContext;
}

/** How a call of a tool ended at its server. */
export type ToolCallOutcome =
  /** The server's answer, unread; see RpcAnswer. */
  | Exclude<RpcOutcome, { readonly kind: "closed" }>
  /** The server ended after the call had been sent: the tool may have run. `why` where the mount ended it. */
  | { readonly kind: "died"; readonly why?: string }
  /** The server was gone before the call was sent. */
  | { readonly kind: "not_sent" };

/**
 * One run of an MCP server: its processes, and the connection to it. What the server sends is a stranger's data: its lists and
 * answers are returned unread, and no schema of it is compiled here.
 */
export class McpServer {
  readonly #options: McpServerOptions;
  readonly #process: ServerProcess;
  readonly #log: ServerLog;
  readonly #messages: ServerMessages;
  readonly #faults: TokenBucket;
  readonly #peer: JsonRpcPeer;
  readonly #transport: ServerTransport;
  readonly #gone = deferred<void>();
  #identity: ServerIdentity = { name: "", version: "" };
  #messagesReceived = 0;
  #endedBecause: string | undefined;

  constructor(options: McpServerOptions) {
    const { now, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = options;
    this.#options = options;
    this.#process = new ServerProcess(options.command, options.stopGraceMs);
    this.#log = new ServerLog((line) => options.onLogLine(line), now);
    this.#messages = new ServerMessages((level, message) => options.onLogMessage(level, message), now);
    this.#faults = new TokenBucket(FAULTS_AT_ONCE, FAULTS_PER_SECOND, now());
    this.#peer = new JsonRpcPeer({
      send: (line) => this.#transport.send(line),
      unreadLines: () => this.#transport.unreadLines,
      onNotification: (method, params) => this.#onNotification(method, params),
      onFault: (message) => this.#fault(message),
    });
    this.#transport = new ServerTransport(
      this.#process,
      {
        onLine: (line) => {
          this.#messagesReceived += 1;
          this.#receive(line);
        },
        onOversizedLine: (head, tail, bytes) => {
          this.#messagesReceived += 1;
          this.#peer.receiveOversized(head, tail, bytes, maxMessageBytes);
        },
        onStderr: (chunk) => this.#log.push(chunk),
        onFault: (message) => this.#fault(message),
        onEnd: () => {
          this.#peer.close();
          this.#gone.resolve();
        },
      },
      maxMessageBytes,
    );
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

  /** What the server says of itself; empty before it was greeted. */
  get identity(): ServerIdentity {
    return this.#identity;
  }

  /** How many messages have come from it. A number that moves is a sign of life. */
  get messagesReceived(): number {
    return this.#messagesReceived;
  }

  /**
   * Starts the server and greets it. When that fails, nothing of it is left running.
   * @throws ToolgateError INVALID_CONFIG when the command cannot be started, or does not speak MCP
   */
  async start(signal: AbortSignal): Promise<ServerIdentity> {
    try {
      signal.throwIfAborted();
      await this.#transport.start();
      const answer = await this.#ask("initialize", signal, [
        ["protocolVersion", PROTOCOL_VERSION],
        ["capabilities", {}],
        ["clientInfo", CLIENT_INFO],
      ]);
      this.#identity = this.#readInitializeResult(answer);
      this.#peer.notify("notifications/initialized");
    } catch (error) {
      await this.#process.stop();
      if (error instanceof ToolgateError) throw error;
      signal.throwIfAborted();
      throw await this.#startFailure(error);
    }
    return this.identity;
  }

  /**
   * All pages of the server's tools, as it sent them; together they may be as large as one message.
   * @throws ToolgateError INVALID_CONFIG when the server does not give its list
   */
  async listTools(signal: AbortSignal): Promise<readonly unknown[]> {
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = this.#options;
    const tools: unknown[] = [];
    let bytes = 0;
    let cursor: string | undefined;
    for (let pages = 0; pages < MAX_LIST_PAGES; pages += 1) {
      let answer: Answer;
      try {
        answer = await this.#ask("tools/list", signal, cursor === undefined ? [] : [["cursor", cursor]]);
        // An absent list is an empty one.
        if (!Array.isArray(answer.value.tools ?? [])) throw new Refusal("the answer's tools are no array");
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        throw this.#listFailure(error);
      }
      const { tools: listed, nextCursor } = answer.value;
      bytes += answer.bytes;
      const page: readonly unknown[] = Array.isArray(listed) ? listed : [];
      const room = MAX_LISTED_TOOLS - tools.length;
      tools.push(...page.slice(0, room));
      cursor = typeof nextCursor === "string" ? nextCursor : undefined;
      if (page.length > room) break;
      if (cursor === undefined) return tools;
      if (page.length === room || bytes > maxMessageBytes) break;
    }
    const limits = `${MAX_LIST_PAGES} pages, ${MAX_LISTED_TOOLS} tools or ${maxMessageBytes} bytes`;
    this.#options.onFault(`the list of tools has more than ${limits}; the rest is left out`);
    return tools;
  }

  /**
   * Calls a tool. What the server answers, also that it failed, is a value.
   * @param args the arguments: the bytes of a JSON value, which are sent as they are
   * @throws the signal's reason, once it has aborted
   */
  async callTool(tool: string, args: Buffer, options: ToolCallOptions): Promise<ToolCallOutcome> {
    if (this.#process.group === undefined) return { kind: "not_sent" };
    const outcome = await this.#peer.request(
      "tools/call",
      [
        ["name", tool],
        ["arguments", args],
      ],
      options,
    );
    if (outcome.kind !== "closed") return outcome;
    return { kind: "died", ...(this.#endedBecause === undefined ? {} : { why: this.#endedBecause }) };
  }

  /** Asks what any living server answers; that it has answered shows in `messagesReceived`. Resolves when the question is over. */
  async probe(method: "ping" | "tools/list", timeoutMs: number): Promise<void> {
    await this.#peer.request(method, [], { signal: NEVER, timeoutMs });
  }

  /**
   * Ends the server and all that it started. Idempotent.
   * @param why the reason that its calls in hand receive, where it is the server's fault; the first one counts
   */
  async stop(why?: string): Promise<void> {
    this.#endedBecause ??= why;
    await this.#process.stop();
    this.#peer.close();
    this.#log.end();
  }

  #receive(line: Buffer): void {
    try {
      this.#peer.receive(line);
    } catch (error) {
      // One message that cannot be handled must not end the mount.
      this.#fault(`a message that could not be handled: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #onNotification(method: string, params: { readonly [key: string]: unknown }): void {
    if (method === "notifications/tools/list_changed") this.#options.onToolsChanged();
    if (method === "notifications/message") this.#messages.take(params);
  }

  #fault(message: string): void {
    if (this.#faults.take(this.#options.now())) this.#options.onFault(printable(message, 300));
  }

  /** @throws Refusal when there is no answer of use */
  async #ask(method: string, signal: AbortSignal, params: readonly (readonly [string, Json])[]): Promise<Answer> {
    const timeoutMs = this.#options.startTimeoutMs;
    const outcome = await this.#peer.request(method, params, { signal, timeoutMs });
    switch (outcome.kind) {
      case "result":
        if (isObject(outcome.value)) return { value: outcome.value, bytes: outcome.json.length };
        throw new Refusal(`its answer to ${method} is no object`);
      case "error":
        throw new Refusal(outcome.code === undefined ? outcome.message : `${outcome.message} (code ${outcome.code})`);
      case "unusable":
        throw new Refusal(`its answer to ${method} cannot be used: ${outcome.why}`);
      case "timed_out":
        throw new Refusal(`no answer to ${method} within ${timeoutMs} ms`);
      case "closed":
        throw new Refusal(`it ended before it answered ${method}`);
      default:
        return outcome satisfies never;
    }
  }

  #readInitializeResult({ value: { protocolVersion, serverInfo, instructions } }: Answer): ServerIdentity {
    if (typeof protocolVersion !== "string" || !SUPPORTED_VERSIONS.includes(protocolVersion)) {
      const version = typeof protocolVersion === "string" ? `revision ${protocolVersion.slice(0, 32)}` : "no revision";
      this.#fault(`it answers with ${version} of MCP, which a mount does not support; ${PROTOCOL_VERSION} is used`);
    }
    const { name, version, title } = isObject(serverInfo) ? serverInfo : {};
    return {
      name: typeof name === "string" ? name : "",
      version: typeof version === "string" ? version : "",
      ...(typeof title === "string" ? { title } : {}),
      ...(typeof instructions === "string" ? { instructions } : {}),
    };
  }

  #listFailure({ message }: Refusal): ToolgateError {
    const summary = printable(message, 500);
    return new ToolgateError(
      "INVALID_CONFIG",
      `The MCP server ${this.#commandLine()} did not list its tools: ${summary}. Look at its own log; it may lack a variable (--env) or an argument.`,
    );
  }

  async #startFailure(cause: unknown): Promise<ToolgateError> {
    await this.#gone.promise;
    this.#log.end();
    const exit = await this.#process.ended;
    const lastOutput =
      this.lastLines.length === 0 ? "It wrote nothing to stderr." : `Its last lines:\n  ${this.lastLines.join("\n  ")}`;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new ToolgateError(
      "INVALID_CONFIG",
      `${this.#commandLine()} did not answer as an MCP server over stdio (${printable(why, 300)}; it ${describeExit(exit)}). ${lastOutput}`,
      { cause },
    );
  }

  #commandLine(): string {
    const { command, args } = this.#options.command;
    return `"${[command, ...args].join(" ")}"`;
  }
}

/** Aborts nothing. */
const NEVER = new AbortController().signal;

/** The result of a request. */
interface Answer {
  readonly value: { readonly [key: string]: unknown };
  /** How long it was. */
  readonly bytes: number;
}

/** Why a server did not do what was asked of it; its message is a stranger's. */
class Refusal extends Error {}

function isObject(value: unknown): value is Answer["value"] {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
