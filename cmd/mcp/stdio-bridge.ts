import { setTimeout as delay } from "node:timers/promises";
import { type Dispatcher, request } from "undici";
import { isErrorReason } from "../../src/errors/codes.js";
import {
  INTERNAL_ERROR,
  INVALID_REQUEST,
  type Members,
  type Message,
  type RequestId,
  readMessage,
  readObject,
  textOf,
} from "../../src/front/mcp/message.js";
import { type ParamHeader, paramHeadersOf, paramHeaderValues } from "../../src/front/mcp/param-headers.js";
import { codeOfReason } from "../../src/front/mcp/reason-code.js";
import { encodeHeader, META, nameOf } from "../../src/front/mcp/revision.js";
import { readEvents } from "../../src/hosting/http/event-stream.js";
import { parseJson } from "../../src/json/parse-json.js";
import { RawJson } from "../../src/json/raw-json.js";

/*
 * Carries MCP between a client on stdin and stdout and a node's HTTP port. Each message of the client is a request of its own there; what
 * is answered is a line here, in the bytes that it came as. A `notifications/cancelled` closes the request that it names, which is how HTTP
 * cancels one.
 */

/** The most requests that may be under way. */
const MAX_OPEN = 256;
/** The largest event or answer, in bytes: the largest result, and what is around it. */
const MAX_BYTES = 64 * 1_048_576;
/** How long it is waited before a stream of announcements is opened again, in milliseconds: at first, and at most. */
const AGAIN_MS = 1_000;
const AGAIN_AT_MOST_MS = 30_000;

export interface StdioBridgeOptions {
  /** The address of MCP: `http://127.0.0.1:7480/mcp`. */
  readonly url: string;
  /** The caller's credential. */
  readonly key: string | undefined;
  /** Connections, where they are not the usual ones. */
  readonly dispatcher?: Dispatcher;
  /** Takes a line of stdout; resolves when there is room for more. */
  readonly write: (line: string) => Promise<void>;
}

export class StdioBridge {
  readonly #options: StdioBridgeOptions;
  readonly #open = new Map<RequestId, AbortController>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** What the listed tools have their clients repeat in headers. */
  readonly #repeated = new Map<string, readonly ParamHeader[]>();
  /** That a client of an earlier revision has agreed on. */
  #revision: string | undefined;
  #listening = false;

  constructor(options: StdioBridgeOptions) {
    this.#options = options;
  }

  /** Takes a line of the client's. */
  take(line: Buffer): void {
    const running = this.#carry(line)
      .catch(() => {}) // it was told to the client, or the client has gone
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** A line was longer than any message may be. @param head its first bytes @param tail its last bytes */
  refuse(head: Buffer, tail: Buffer, bytes: number): void {
    const why = `A message of ${bytes} bytes is more than any may have.`;
    void this.#fail(idAtTheEnds(head, tail), INVALID_REQUEST, why).catch(() => {}); // the client has gone
  }

  /** The client has gone: whatever it waits for is cancelled. Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #carry(line: Buffer): Promise<void> {
    const read = readMessage(line);
    if (read.kind === "fault") return this.#fail(read.id, read.code, read.why);
    if (read.kind === "response") return;
    const message = read.kind === "message" ? read.message : undefined;
    if (message?.method === "notifications/cancelled") return this.#cancel(message.params);
    const id = message?.id;
    if (this.#open.size >= MAX_OPEN)
      return this.#fail(id, INTERNAL_ERROR, `More than ${MAX_OPEN} requests are under way.`);
    const controller = new AbortController();
    if (id !== undefined) this.#open.set(id, controller);
    try {
      await this.#post(line, message, AbortSignal.any([controller.signal, this.#stopping.signal]));
      if (message?.method === "notifications/initialized") this.#listen();
    } catch (error) {
      if (!controller.signal.aborted && !this.#stopping.signal.aborted)
        await this.#fail(id, INTERNAL_ERROR, whyOf(error, this.#options.url));
    } finally {
      if (id !== undefined) this.#open.delete(id);
    }
  }

  async #post(line: Buffer, message: Message | undefined, signal: AbortSignal): Promise<void> {
    const answer = await this.#request(
      "POST",
      { ...this.#headersOf(message), "content-type": "application/json" },
      signal,
      line,
    );
    const { statusCode, headers, body } = answer;
    if (isStream(headers)) {
      for await (const event of readEvents(body, MAX_BYTES)) if (event instanceof RawJson) await this.#tell(event.text);
      return;
    }
    const text = await textOfBody(body);
    if (text === "") return;
    if (statusCode >= 400 && !text.includes('"jsonrpc"')) return this.#failBy(message?.id, statusCode, text);
    if (message?.method === "initialize") this.#revision = agreedIn(text) ?? this.#revision;
    if (message?.method === "tools/list") this.#learn(text);
    await this.#tell(text);
  }

  #headersOf(message: Message | undefined): Record<string, string> {
    const meta = readObject(message?.params.get("_meta"));
    const version = typeof meta === "object" ? textOf(meta.get(META.version)) : undefined;
    if (message === undefined || version === undefined)
      return this.#revision === undefined || message?.method === "initialize"
        ? {}
        : { "mcp-protocol-version": this.#revision };
    const name = nameOf(message.method, message.params);
    return {
      "mcp-protocol-version": version,
      "mcp-method": encodeHeader(message.method),
      ...(name === undefined ? {} : { "mcp-name": encodeHeader(name) }),
      ...(message.method === "tools/call"
        ? paramHeaderValues(this.#repeated.get(name ?? "") ?? [], message.params.get("arguments"))
        : {}),
    };
  }

  /** Announcements, for a client of an earlier revision. */
  #listen(): void {
    if (this.#listening || this.#revision === undefined) return;
    this.#listening = true;
    const listening = this.#hear(this.#revision).finally(() => this.#running.delete(listening));
    this.#running.add(listening);
  }

  async #hear(revision: string): Promise<void> {
    const { signal } = this.#stopping;
    for (let waitMs = AGAIN_MS; !signal.aborted; waitMs = Math.min(AGAIN_AT_MOST_MS, 2 * waitMs)) {
      try {
        const { statusCode, headers, body } = await this.#request("GET", { "mcp-protocol-version": revision }, signal);
        if (!isStream(headers)) await textOfBody(body);
        else
          for await (const event of readEvents(body, MAX_BYTES))
            if (event instanceof RawJson) await this.#tell(event.text);
        if (statusCode === 405) return; // it announces nothing
      } catch {
        // The node has gone, or the client: in the one case there is another one soon.
      }
      await delay(waitMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  #request(method: "GET" | "POST", headers: Record<string, string>, signal: AbortSignal, body?: Buffer) {
    const { url, key, dispatcher } = this.#options;
    return request(url, {
      method,
      signal,
      headers: {
        accept: method === "GET" ? "text/event-stream" : "application/json, text/event-stream",
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      ...(dispatcher === undefined ? {} : { dispatcher }),
      // A call takes as long as it may, and a stream of announcements as long as its client lives.
      ...{ headersTimeout: 0, bodyTimeout: 0 },
    });
  }

  #cancel(params: Members): void {
    const bytes = params.get("requestId");
    if (bytes === undefined) return;
    this.#open.get(JSON.parse(bytes.toString("utf8")) as RequestId)?.abort(); // an id that no request has cancels none
  }

  #learn(text: string): void {
    const { result } = parseJson(text, "number") as { readonly result?: { readonly tools?: readonly ListedTool[] } };
    for (const { name, inputSchema } of result?.tools ?? []) {
      const repeated = paramHeadersOf(inputSchema);
      if (repeated.length > 0) this.#repeated.set(name, repeated);
    }
  }

  /** A refusal of HTTP, as an error of JSON-RPC. */
  #failBy(id: RequestId | undefined, statusCode: number, text: string): Promise<void> {
    const { reason = "", detail = `HTTP ${statusCode}` } = problemIn(text);
    const code = isErrorReason(reason) ? codeOfReason(reason) : INTERNAL_ERROR;
    return this.#fail(id, code, detail, { reason });
  }

  /** A notification has no answer, also where it cannot be carried. */
  async #fail(id: RequestId | undefined, code: number, message: string, data?: object): Promise<void> {
    const error = { code, message, ...(data === undefined ? {} : { data }) };
    if (id !== undefined || code !== INTERNAL_ERROR)
      await this.#tell(JSON.stringify({ jsonrpc: "2.0", id: id ?? null, error }));
  }

  /** A message is a line: line breaks stand only between the tokens of its JSON. */
  async #tell(text: string): Promise<void> {
    await this.#options.write(`${text.replace(/[\r\n]+/g, " ")}\n`);
  }
}

const ID = /"id"\s*:\s*("(?:[^"\\]|\\.){0,256}"|-?[0-9]{1,16})/;
const ID_FIRST = new RegExp(`^\\s*\\{\\s*(?:"jsonrpc"\\s*:\\s*"2\\.0"\\s*,\\s*)?${ID.source}\\s*,`);
const ID_LAST = new RegExp(`,\\s*${ID.source}\\s*(?:,\\s*"jsonrpc"\\s*:\\s*"2\\.0"\\s*)?\\}\\s*$`);

/** The id of a request of which only both ends are at hand; clients write it first or last. */
function idAtTheEnds(head: Buffer, tail: Buffer): RequestId | undefined {
  const found = ID_FIRST.exec(head.toString("utf8")) ?? ID_LAST.exec(tail.toString("utf8"));
  return found?.[1] === undefined ? undefined : (JSON.parse(found[1]) as RequestId); // a text or an integer
}

interface ListedTool {
  readonly name: string;
  readonly inputSchema: Parameters<typeof paramHeadersOf>[0];
}

function isStream(headers: Readonly<Record<string, unknown>>): boolean {
  return String(headers["content-type"] ?? "").startsWith("text/event-stream");
}

async function textOfBody(body: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of body) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function agreedIn(text: string): string | undefined {
  const { result } = parseJson(text, "number") as { readonly result?: { readonly protocolVersion?: unknown } };
  return typeof result?.protocolVersion === "string" ? result.protocolVersion : undefined;
}

function problemIn(text: string): { readonly reason?: string; readonly detail?: string } {
  try {
    const { reason, detail } = JSON.parse(text) as { readonly reason?: unknown; readonly detail?: unknown };
    return { ...(typeof reason === "string" ? { reason } : {}), ...(typeof detail === "string" ? { detail } : {}) };
  } catch {
    return {};
  }
}

function whyOf(error: unknown, url: string): string {
  const { code, message } = error as NodeJS.ErrnoException; // what a request fails with
  return `The node at ${url} cannot be asked (${code ?? message}). Start it, or name another: --http host:port.`;
}
