/** A request of MCP, as a client of the newest revision makes it, without a client in between. */
export interface McpPost {
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly id?: string | number;
  /** Of the request's `_meta`, besides what it needs. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly capabilities?: object;
  /** More headers, or others; undefined leaves one out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  /** Reads nothing of a stream, and leaves it. */
  readonly beginOnly?: boolean;
}

const MODERN = "2026-07-28";
const NAMED_BY: Readonly<Record<string, string>> = {
  "tools/call": "name",
  "tasks/get": "taskId",
  "tasks/update": "taskId",
  "tasks/cancel": "taskId",
};

/** What was answered. */
export interface McpReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The messages of a stream, or the one of the body. */
  readonly messages: readonly { readonly [key: string]: unknown }[];
  /** The last message: the end of the request. */
  readonly end: {
    readonly result?: Record<string, unknown>;
    readonly error?: { code: number; message: string; data?: unknown };
  };
}

/** Posts as a client of revision 2026-07-28. */
export async function postModern(url: string, post: McpPost): Promise<McpReply> {
  const { method, params = {}, id = 1, meta = {}, capabilities = {}, headers = {} } = post;
  const named = NAMED_BY[method];
  const name = named === undefined ? undefined : params[named];
  const whole = {
    "mcp-protocol-version": MODERN,
    "mcp-method": method,
    ...(typeof name === "string" ? { "mcp-name": name } : {}),
    ...headers,
  };
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": capabilities,
    ...meta,
  };
  return postBody(url, JSON.stringify({ jsonrpc: "2.0", id, method, params: { ...params, _meta } }), whole, post);
}

/** Posts as a client of an earlier revision. */
export function postLegacy(url: string, post: McpPost, revision = "2025-11-25"): Promise<McpReply> {
  const { method, params = {}, id = 1, meta, headers = {} } = post;
  const whole = { ...(method === "initialize" ? {} : { "mcp-protocol-version": revision }), ...headers };
  const body = { jsonrpc: "2.0", id, method, params: meta === undefined ? params : { ...params, _meta: meta } };
  return postBody(url, JSON.stringify(body), whole, post);
}

/** Posts a body as it is. */
export async function postBody(
  url: string,
  body: string | Buffer,
  headers: Readonly<Record<string, string | undefined>>,
  { signal, beginOnly = false }: Pick<McpPost, "signal" | "beginOnly"> = {},
): Promise<McpReply> {
  const sent = Object.entries({
    accept: "application/json, text/event-stream",
    "content-type": "application/json",
    ...headers,
  }).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const response = await fetch(url, {
    method: "POST",
    headers: sent,
    body: typeof body === "string" ? body : new Uint8Array(body),
    ...(signal === undefined ? {} : { signal }),
  });
  const isStream = response.headers.get("content-type") === "text/event-stream";
  if (isStream && beginOnly) await response.body?.cancel();
  const text = isStream && beginOnly ? "" : await response.text();
  const messages = isStream ? eventsOf(text) : text === "" ? [] : [JSON.parse(text)].flat();
  return { status: response.status, headers: response.headers, text, messages, end: messages.at(-1) ?? {} };
}

/** The data of the events of a stream. */
export function eventsOf(text: string): { readonly [key: string]: unknown }[] {
  return text
    .split("\n\n")
    .map((event) =>
      event
        .split("\n")
        .filter((line) => line.startsWith("data: "))
        .map((line) => line.slice(6))
        .join("\n"),
    )
    .filter((data) => data !== "")
    .map((data) => JSON.parse(data));
}
