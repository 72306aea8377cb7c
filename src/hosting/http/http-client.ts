import { Agent, type Dispatcher, Pool } from "undici";
import { asEgressError, EgressError } from "../../egress/egress-error.js";
import type { EgressGuard } from "../../egress/egress-guard.js";
import { type HttpMethod, isSafe } from "./operations.js";

/** A request as it is sent. */
export interface OutgoingRequest {
  readonly method: HttpMethod;
  readonly origin: string;
  /** With its query, encoded; it is sent as it is. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
}

/** An answer whose body is still to be read: to its end, or destroyed. */
export interface IncomingAnswer {
  readonly kind: "answered";
  readonly status: number;
  /** By their names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Buffer> & { destroy(): void };
}

/** What became of a request. */
export type SendOutcome =
  | IncomingAnswer
  /** Nothing was sent: the address may not be dialled. */
  | { readonly kind: "refused"; readonly why: string }
  /** Nothing was sent: there is no connection. */
  | { readonly kind: "not_sent"; readonly why: string }
  /** It was sent, and there is no answer. */
  | { readonly kind: "lost"; readonly why: string }
  /** It was answered with a redirect that is not followed. */
  | { readonly kind: "redirected"; readonly status: number; readonly why: string };

const MAX_REDIRECTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const MAX_HEADER_BYTES = 65_536;
/** Shorter than servers keep idle connections, so that few requests meet one that ends just then. In milliseconds. */
const KEEP_ALIVE_MS = 3_000;
/** Redirects that a request with an effect may follow as it is: RFC 9110, section 15.4. */
const KEEPS_METHOD = new Set([307, 308]);
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** Decides what may be dialled. */
export interface HttpGuards {
  /** For the origin that a request names. */
  readonly asked: EgressGuard;
  /** For all others, which redirects lead to. */
  readonly elsewhere: EgressGuard;
}

/** What requests to an origin are sent by. */
interface Route {
  readonly guard: EgressGuard;
  readonly agent: Agent;
}

/**
 * Sends requests to a server, through guards.
 *
 * Redirects: requests without an effect follow all of them; others follow a 303 as a GET, and within their origin 307 and 308 as
 * they are. At another origin a request has nothing of the former one: no credentials, no headers, no body. Other origins have a guard and
 * connections of their own: that a server may be private says nothing of where it sends its clients.
 */
export class HttpClient {
  readonly #asked: Route;
  readonly #elsewhere: Route;

  /** @param connections the most to one origin. */
  constructor({ asked, elsewhere }: HttpGuards, connections: number) {
    this.#asked = { guard: asked, agent: agentOf(asked, connections) };
    this.#elsewhere = { guard: elsewhere, agent: agentOf(elsewhere, connections) };
  }

  /**
   * Sends a request and follows its redirects.
   *
   * @throws the signal's reason when it aborts before there is an answer
   */
  async send(request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome> {
    let next = request;
    let redirected: number | undefined;
    for (let redirects = 0; ; redirects += 1) {
      const outcome = await sendOnce(this.#routeTo(next.origin, request), next, signal);
      if (redirected !== undefined && outcome.kind === "refused")
        return { kind: "redirected", status: redirected, why: `where it leads is not dialled: ${outcome.why}` };
      // The request itself was sent, and may have had its effect.
      if (redirected !== undefined && outcome.kind === "not_sent") return { kind: "lost", why: outcome.why };
      if (outcome.kind !== "answered" || !REDIRECTS.has(outcome.status)) return outcome;
      const { status } = outcome;
      const { location } = outcome.headers;
      if (location === undefined) return outcome;
      outcome.body.destroy();
      const followed = this.#follow(next, status, location, request);
      if (followed.kind === "stop") return { kind: "redirected", status, why: followed.why };
      if (redirects === MAX_REDIRECTS)
        return { kind: "redirected", status, why: "there are too many, one after the other" };
      next = followed.request;
      redirected = status;
    }
  }

  /** Ends all connections, and what is under way on them. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([this.#asked.agent.destroy(), this.#elsewhere.agent.destroy()]);
  }

  #routeTo(origin: string, first: OutgoingRequest): Route {
    return origin === first.origin ? this.#asked : this.#elsewhere;
  }

  #follow(
    request: OutgoingRequest,
    status: number,
    location: string,
    first: OutgoingRequest,
  ): { readonly kind: "request"; readonly request: OutgoingRequest } | { readonly kind: "stop"; readonly why: string } {
    const base = request.origin + request.path;
    const target = URL.canParse(location, base) ? new URL(location, base) : undefined;
    if (target === undefined) return { kind: "stop", why: "where it leads is no URL" };
    try {
      this.#routeTo(target.origin, first).guard.checkUrl(target.href);
    } catch (error) {
      return { kind: "stop", why: `where it leads is not dialled: ${asEgressError(error).message}` };
    }
    const isSame = target.origin === request.origin;
    const path = target.pathname + target.search;
    const { method } = request;
    if (isSafe(method) || status === 303) {
      const followed = isSafe(method) ? method : "GET";
      const { accept = "*/*" } = request.headers;
      const headers = isSame ? withoutContent(request.headers) : { accept };
      return { kind: "request", request: { method: followed, origin: target.origin, path, headers, body: undefined } };
    }
    if (!KEEPS_METHOD.has(status)) return { kind: "stop", why: `a ${method} does not follow it` };
    if (!isSame) return { kind: "stop", why: `a ${method} does not follow it to another server` };
    return { kind: "request", request: { ...request, path } };
  }
}

function agentOf(guard: EgressGuard, connections: number): Agent {
  return new Agent({
    connections,
    pipelining: 1,
    // A call's deadline counts, and the signal has it.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    factory: (origin, shared) =>
      new Pool(origin, { ...shared, connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guard.lookupFor(origin) } }),
  });
}

async function sendOnce({ guard, agent }: Route, request: OutgoingRequest, signal: AbortSignal): Promise<SendOutcome> {
  const { method, origin, path, headers, body } = request;
  let isSent = false;
  const dispatcher = agent.compose(
    (dispatch) => (options, handler) =>
      dispatch(
        options,
        noting(handler, () => (isSent = true)),
      ),
  );
  try {
    guard.checkUrl(`${origin}/`);
    const answer = await dispatcher.request({
      method,
      origin,
      path,
      headers,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    // An error of the body comes out of reading it, too; unheard before that, it would end the process.
    answer.body.on("error", () => {});
    return { kind: "answered", status: answer.statusCode, headers: flatHeaders(answer.headers), body: answer.body };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const fault = asEgressError(error);
    if (isSent) return { kind: "lost", why: describe(error) };
    // A name that has no address may have one later.
    if (fault.kind === "refused") return { kind: "refused", why: fault.message };
    return { kind: "not_sent", why: error instanceof EgressError ? fault.message : describe(error) };
  }
}

/** A handler that says when its request begins to be written: until then nothing of it has been sent. */
function noting(handler: Dispatcher.DispatchHandler, onSent: () => void): Dispatcher.DispatchHandler {
  return {
    onRequestStart(controller, context) {
      onSent();
      handler.onRequestStart?.(controller, context);
    },
    onRequestUpgrade: (controller, status, headers, socket) =>
      handler.onRequestUpgrade?.(controller, status, headers, socket),
    onResponseStart: (controller, status, headers, text) =>
      handler.onResponseStart?.(controller, status, headers, text),
    onResponseData: (controller, chunk) => handler.onResponseData?.(controller, chunk),
    onResponseEnd: (controller, trailers) => handler.onResponseEnd?.(controller, trailers),
    onResponseError: (controller, error) => handler.onResponseError?.(controller, error),
  };
}

function withoutContent(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-type"));
}

function flatHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name.toLowerCase(), typeof value === "string" ? value : (value[0] ?? "")]],
    ),
  );
}

/** An error of the connection in words: its code, since its message has addresses. */
export function describe(error: unknown): string {
  const { code, cause } = (error ?? {}) as { readonly code?: unknown; readonly cause?: unknown }; // absent on most
  if (typeof code === "string" && code !== "") return code;
  return cause === undefined ? "the connection failed" : describe(cause);
}
