import type { Agent } from "undici";
import { asEgressError, EgressError } from "./egress-error.js";
import { createEgressGuard, type EgressGuardOptions } from "./egress-guard.js";

/**
 * Fetches what a URL in a document names, or sends something there. Who may write documents must not reach, through a node, what only nodes reach.
 *
 * - Only `https`, without user and password, on usual ports.
 * - A host's every address must be a public one, and is looked at where it is dialled: a name that resolves otherwise the next time
 *   gains nothing. An address in the URL itself is not looked up by anybody, so it is looked at before.
 * - Redirects are followed within the same origin alone.
 * - What comes is bounded in time and size.
 *
 * What an operator allows by name or address, at one port or at all, may be private, and speak plain HTTP.
 */
export interface GuardedFetch {
  /**
   * Gets a JSON document.
   *
   * @returns its bytes
   * @throws EgressError whose message names neither the URL's path nor what was answered
   */
  getJson(url: string): Promise<Buffer>;
  /**
   * Gets whatever is there.
   *
   * @param accept the media types that are asked for: RFC 9110, section 12.5.1.
   * @throws as `getJson`
   */
  get(url: string, accept: string): Promise<Buffer>;
  /**
   * Sends something, and takes no more of the answer than its status. Redirects are not followed: what they name was not asked for.
   *
   * @throws as `getJson`, where there was no answer
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: Buffer): Promise<PostAnswer>;
  /** Ends all connections, and what is under way. Idempotent. */
  stop(): Promise<void>;
}

/** What a receiver answered. */
export interface PostAnswer {
  readonly status: number;
  /** Its `Retry-After`, as it came. */
  readonly retryAfter: string | undefined;
}

export interface GuardedFetchOptions extends Omit<EgressGuardOptions, "allowedBy"> {
  /** What allows a private address, for the messages; TOOLGATE_EGRESS_ALLOW unless said. */
  readonly allowedBy?: string;
  /** How long one fetch may take in all, in milliseconds; 5,000 unless said. */
  readonly timeoutMs?: number;
  /** The most connections to one origin; 4 unless said. */
  readonly connections?: number;
  /** The most bytes of an answer; 256 KiB unless said. */
  readonly maxBytes?: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;
const CONNECTIONS = 4;
const MAX_REDIRECTS = 3;

/** @throws nothing; see `GuardedFetch` */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES, connections = CONNECTIONS } = options;
  const guard = createEgressGuard({ allowedBy: "TOOLGATE_EGRESS_ALLOW", ...options });
  let stopped = false;
  let loading: Promise<Client> | undefined;

  /** The HTTP client, loaded at the first fetch: its hundred modules are a tenth of a node's start, and most nodes fetch nothing. */
  function client(): Promise<Client> {
    if (stopped) throw new EgressError("failed", "the node is stopping");
    loading ??= import("undici").then(({ Agent, Pool, request }) => ({
      request,
      agent: new Agent({
        connections,
        pipelining: 1,
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        maxHeaderSize: 16_384,
        maxResponseSize: maxBytes,
        keepAliveTimeout: 4_000,
        factory: (origin, shared) =>
          new Pool(origin, { ...shared, connect: { timeout: timeoutMs, lookup: guard.lookupFor(origin) } }),
      }),
    }));
    return loading;
  }

  async function fetch(url: URL, accept: string, signal: AbortSignal, redirects: number): Promise<Buffer> {
    const { agent, request } = await client();
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      headers: { accept },
    });
    const { location } = headers;
    if (statusCode >= 300 && statusCode < 400 && typeof location === "string") {
      await body.dump();
      const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
      if (next === undefined || next.origin !== url.origin) {
        throw new EgressError("refused", "it redirects to another origin");
      }
      if (redirects === 0) throw new EgressError("failed", "it redirects too often");
      return fetch(guard.checkUrl(next.href), accept, signal, redirects - 1);
    }
    if (statusCode !== 200) {
      await body.dump();
      throw new EgressError("failed", `it answered with status ${statusCode}`);
    }
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of body) {
      const chunk = Buffer.from(part as Uint8Array); // what a body consists of
      bytes += chunk.length;
      if (bytes > maxBytes) throw new EgressError("failed", `it is longer than ${maxBytes} bytes`);
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }

  async function get(text: string, accept: string): Promise<Buffer> {
    try {
      return await fetch(guard.checkUrl(text), accept, AbortSignal.timeout(timeoutMs), MAX_REDIRECTS);
    } catch (error) {
      throw asEgressError(error);
    }
  }

  async function post(text: string, headers: Readonly<Record<string, string>>, sent: Buffer): Promise<PostAnswer> {
    try {
      const url = guard.checkUrl(text);
      const { agent, request } = await client();
      const signal = AbortSignal.timeout(timeoutMs);
      const answer = await request(url, { method: "POST", dispatcher: agent, signal, headers, body: sent });
      // The status is all that counts: a body that is cut, or too long, changes nothing.
      await answer.body.dump({ limit: maxBytes }).catch(() => {});
      const { "retry-after": retryAfter } = answer.headers;
      return { status: answer.statusCode, retryAfter: typeof retryAfter === "string" ? retryAfter : undefined };
    } catch (error) {
      throw asEgressError(error);
    }
  }

  return {
    get,
    post,
    getJson: (url) => get(url, "application/json"),
    async stop() {
      stopped = true;
      const loaded = await loading?.catch(() => undefined); // what was not loaded has no connection
      await loaded?.agent.destroy();
    },
  };
}

interface Client {
  readonly agent: Agent;
  readonly request: typeof import("undici").request;
}
