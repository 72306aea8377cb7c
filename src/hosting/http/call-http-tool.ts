import { hasSubscribers } from "node:diagnostics_channel";
import { STATUS_CODES } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { type ToolContext, ToolFailure } from "../../index.js";
import { isJson } from "../../json/is-json.js";
import { type JsonPart, joinObject } from "../../json/json-slices.js";
import { RawJson } from "../../json/raw-json.js";
import { isTraceparent, isTracestate, type TraceContext } from "../../observe/traces/trace-context.js";
import { restartDelayMs } from "../restart-delay.js";
import { printable } from "../server-log.js";
import { type BuiltRequest, buildRequest, type RequestPlan } from "./build-request.js";
import { ConnectionLost } from "./connection-lost.js";
import type { CredentialParts } from "./credentials.js";
import { readAnswer, readBeginning } from "./http-answer.js";
import type { HttpClient, IncomingAnswer, OutgoingRequest } from "./http-client.js";
import { HTTP_CONNECTION_LOST, HTTP_ERROR, HTTP_REFUSED, HTTP_UNREACHABLE } from "./http-failure.js";
import { essenceOf, isExactlyJson, isTextType } from "./media-type.js";
import type { HttpTarget } from "./servers.js";

/** What a call of one tool needs. */
export interface HttpCallSetup {
  readonly client: HttpClient;
  readonly target: HttpTarget;
  readonly plan: RequestPlan;
  /** Whether a request may be sent again after it may have had its effect. */
  readonly idempotent: boolean;
  /** What requests carry; read for each of them. */
  readonly credentials: () => CredentialParts;
  /** A text without secrets. */
  readonly redact: (text: string) => string;
  /** The most that is read of an answer, in bytes. */
  readonly maxResponseBytes: number;
  readonly now: () => number;
  readonly random: () => number;
}

/** How often a request is sent in all. */
const MAX_TRIES = 3;
/** The statuses after which an idempotent request is sent again: the server, or what is before it, is not there for the moment. */
const TRANSIENT = new Set([429, 502, 503, 504]);
/** What a try must leave of the call's time, so that its answer can come. In milliseconds. */
const LEAST_LEFT_MS = 500;
/** Where tracers learn of requests: https://undici.nodejs.org/#/docs/api/DiagnosticsChannel */
const REQUEST_CHANNEL = "undici:request:create";
const TRACE_HEADERS = new Set(["traceparent", "tracestate"]);
/** The most that is read of an answer that is an error, and passed on of it, in bytes. */
const MAX_ERROR_BYTES = 65_536;
const MAX_DETAIL_BYTES = 16_384;
/** So much of an error's text stands in its message, in characters. */
const MAX_EXCERPT = 500;

/**
 * Runs one call at an HTTP server.
 *
 * What was certainly not sent is sent again, at most three times in all; so is what is idempotent, where the connection was lost or
 * the server is not there for the moment (429, 502, 503, 504). `Retry-After` is kept, within the call's deadline.
 *
 * @returns what `readAnswer` makes of the answer
 * @throws ToolFailure with one of the reasons of http-failure.ts. HTTP_CONNECTION_LOST leaves open whether the request had its effect.
 */
export async function callHttpTool(setup: HttpCallSetup, context: ToolContext): Promise<unknown> {
  const { client, idempotent, plan, now, random } = setup;
  const request = outgoing(setup, buildRequest(plan, context.payloadJson), context);
  const leftMs = (): number => context.deadline.getTime() - now();
  for (let tries = 1; ; tries += 1) {
    const outcome = await client.send(request, context.signal);
    let pauseMs = restartDelayMs(tries, random());
    switch (outcome.kind) {
      case "answered": {
        if (outcome.status < 300 || outcome.status === 304) {
          const read = await readWhole(setup, outcome, context);
          if (read.kind === "value") return read.value;
          if (idempotent && !read.emitted && tries < MAX_TRIES && leftMs() > pauseMs + LEAST_LEFT_MS) break;
          throw lost(setup, read.why);
        }
        const waitMs = retryAfterMs(outcome, now());
        pauseMs = Math.max(pauseMs, waitMs ?? 0);
        const again =
          idempotent && TRANSIENT.has(outcome.status) && tries < MAX_TRIES && leftMs() > pauseMs + LEAST_LEFT_MS;
        if (!again) throw await httpError(setup, outcome, waitMs);
        outcome.body.destroy();
        break;
      }
      case "redirected":
        throw new ToolFailure(
          HTTP_ERROR,
          `${requestName(plan)} was answered with a redirect (${outcome.status}) that is not followed: ${outcome.why}.`,
          { status: outcome.status },
        );
      case "refused":
        throw new ToolFailure(HTTP_REFUSED, `Nothing was sent: ${outcome.why}.`);
      case "not_sent":
        if (tries < MAX_TRIES && leftMs() > pauseMs + LEAST_LEFT_MS) break;
        throw new ToolFailure(
          HTTP_UNREACHABLE,
          `Nothing was sent: ${setup.target.origin} could not be reached (${printable(outcome.why, 200)}).`,
        );
      case "lost":
        if (idempotent && tries < MAX_TRIES && leftMs() > pauseMs + LEAST_LEFT_MS) break;
        throw lost(setup, outcome.why);
      default:
        outcome satisfies never;
    }
    await delay(pauseMs, undefined, { signal: context.signal }).catch(() => {
      throw context.signal.reason;
    });
  }
}

async function readWhole(
  { plan, maxResponseBytes }: HttpCallSetup,
  answer: IncomingAnswer,
  context: ToolContext,
): Promise<
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "lost"; readonly why: string; readonly emitted: boolean }
> {
  let emitted = false;
  const emit = (delta: unknown): Promise<void> => {
    emitted = true;
    return context.emit(delta);
  };
  try {
    const value = await readAnswer(answer, plan.method, { emit, signal: context.signal }, maxResponseBytes);
    return { kind: "value", value };
  } catch (error) {
    if (error instanceof ConnectionLost) return { kind: "lost", why: error.message, emitted };
    throw error;
  }
}

function outgoing({ target, credentials }: HttpCallSetup, built: BuiltRequest, trace: TraceContext): OutgoingRequest {
  const carried = credentials();
  const query = [...built.query, ...carried.query].join("&");
  const cookies = [...built.cookies, ...carried.cookies].join("; ");
  const headers = { ...built.headers, ...carried.headers };
  return {
    method: built.method,
    origin: target.origin,
    path: `${target.basePath}${built.path}${query === "" ? "" : `?${query}`}`,
    headers: {
      "user-agent": "toolgate",
      "accept-encoding": "identity",
      ...traceHeaders(trace, Object.keys(headers)),
      ...headers,
      ...(cookies === "" ? {} : { cookie: cookies }),
    },
    body: built.body,
  };
}

/**
 * The call's trace context as headers: https://www.w3.org/TR/trace-context/. What is malformed is left out, and all of it where an
 * argument or a credential is one of the two.
 */
function traceHeaders(
  { traceparent, tracestate }: TraceContext,
  others: readonly string[],
): Readonly<Record<string, string>> {
  if (traceparent === undefined || !isTraceparent(traceparent)) return {};
  // A tracer that the process was started with sends its own, below the call's span; of two, servers take neither.
  if (hasSubscribers(REQUEST_CHANNEL)) return {};
  if (others.some((name) => TRACE_HEADERS.has(name.toLowerCase()))) return {};
  return tracestate !== undefined && isTracestate(tracestate) ? { traceparent, tracestate } : { traceparent };
}

function lost({ plan, idempotent }: HttpCallSetup, why: string): ToolFailure {
  const effect = idempotent ? "it may be made again" : "it may have had its effect";
  return new ToolFailure(
    HTTP_CONNECTION_LOST,
    `The connection ended after ${requestName(plan)} was sent, and before its answer was there (${printable(why, 200)}); ${effect}.`,
    undefined,
    { executed: "unknown" },
  );
}

/** An answer that is an error: its status, and a bounded part of what it says. */
async function httpError(
  { plan, redact }: HttpCallSetup,
  answer: IncomingAnswer,
  waitMs: number | undefined,
): Promise<ToolFailure> {
  const { status, headers } = answer;
  const contentType = printable(headers["content-type"] ?? "", 200);
  const essence = essenceOf(contentType);
  const members: [string, JsonPart][] = [["status", status]];
  if (contentType !== "") members.push(["contentType", contentType]);
  if (waitMs !== undefined) members.push(["retryAfterMs", waitMs]);
  let excerpt = "";
  const bytes = await readBeginning(answer, MAX_ERROR_BYTES);
  if (isExactlyJson(essence) || isTextType(essence)) {
    const text = redact(bytes.toString("utf8"));
    const json = Buffer.from(text);
    if (isExactlyJson(essence) && json.length > 0 && json.length <= MAX_DETAIL_BYTES && isJson(json)) {
      members.push(["body", json]);
      excerpt = messageIn(json);
    } else if (text !== "") {
      members.push(["text", printable(text, MAX_DETAIL_BYTES / 4)]);
    }
    if (excerpt === "" && !essence.includes("html")) excerpt = printable(text.replace(/\s+/g, " ").trim(), MAX_EXCERPT);
  }
  const words = STATUS_CODES[status] === undefined ? String(status) : `${status} ${STATUS_CODES[status]}`;
  const said = excerpt === "" ? "" : `: ${excerpt}`;
  return new ToolFailure(
    HTTP_ERROR,
    `${requestName(plan)} was answered with ${words}${said}`,
    new RawJson(joinObject(members)),
  );
}

/** What an error says for people: RFC 9457, and how many others do. */
function messageIn(json: Buffer): string {
  const value: unknown = JSON.parse(json.toString("utf8"));
  const found = findMessage(value, 2);
  return found === undefined ? "" : printable(found.replace(/\s+/g, " ").trim(), MAX_EXCERPT);
}

function findMessage(value: unknown, depth: number): string | undefined {
  if (typeof value !== "object" || value === null || depth < 0) return undefined;
  const own = value as Readonly<Record<string, unknown>>; // an object, as just seen
  for (const key of ["detail", "message", "error_description", "title", "error", "errors"]) {
    const inner = Object.hasOwn(own, key) ? own[key] : undefined;
    if (typeof inner === "string" && inner.trim() !== "") return inner;
    const found = findMessage(Array.isArray(inner) ? inner[0] : inner, depth - 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** How long a server asks to wait: RFC 9110, section 10.2.3. */
function retryAfterMs({ headers }: IncomingAnswer, nowMs: number): number | undefined {
  const text = headers["retry-after"]?.trim();
  if (text === undefined) return undefined;
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs);
}

function requestName({ method, path }: RequestPlan): string {
  return `${method} ${printable(path, 200)}`;
}
