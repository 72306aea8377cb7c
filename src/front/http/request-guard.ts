import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "../../config/address.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { CALL_HEADERS } from "./call-request.js";

/** The most headers that a request may have; all of them together are bounded in bytes by the server. */
const MAX_HEADERS = 128;
/** How long a browser may remember what it was told of another origin, in seconds. */
const PREFLIGHT_HOLDS_S = 600;

export interface RequestGuardOptions {
  /** Names that the node is reached by, besides addresses and this machine's own. */
  readonly hosts: readonly string[];
  /** Pages of which origins may ask: `https://console.example`. */
  readonly origins: readonly string[];
}

/** What of a request is looked at before anything else: where it says that it is sent to, and from which page. */
export class RequestGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;

  constructor({ hosts, origins }: RequestGuardOptions) {
    this.#hosts = new Set(hosts.map((host) => host.toLowerCase()));
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /**
   * Refuses a page that is led here by a name of its own (DNS rebinding), and one of another origin.
   *
   * @returns the headers that the answer needs for a page of an origin that was let in
   * @throws ToolgateError HEADERS_TOO_LARGE, INVALID_REQUEST, EXPECTATION_FAILED, MISDIRECTED, FORBIDDEN_ORIGIN
   */
  check({ rawHeaders, headers, method }: IncomingMessage): Readonly<Record<string, string>> {
    if (rawHeaders.length > 2 * MAX_HEADERS)
      throw new ToolgateError("HEADERS_TOO_LARGE", `The request has more than ${MAX_HEADERS} headers.`);
    checkFraming(headers);
    if (countOf(rawHeaders, "host") > 1) throw misdirected();
    const host = headers.host ?? "";
    if (!this.#isOurs(host)) throw misdirected();
    const { origin } = headers;
    if (origin === undefined) return {};
    const from = origin.toLowerCase();
    const allowed = this.#origins.has(from);
    if (!allowed && !isSameOrigin(from, host))
      throw new ToolgateError(
        "FORBIDDEN_ORIGIN",
        "Pages of this origin may not ask this node. TOOLGATE_HTTP_ORIGINS names those that may.",
      );
    if (!allowed) return {};
    const asks = method === "OPTIONS" && headers["access-control-request-method"] !== undefined;
    return {
      vary: asks ? "Origin, Access-Control-Request-Headers" : "Origin",
      "access-control-allow-origin": origin,
      "access-control-expose-headers": "Location, Retry-After, Toolgate-Call-Id, Toolgate-Attempt, Toolgate-Warnings",
      ...(asks ? preflight(headers["access-control-request-headers"] ?? "") : {}),
    };
  }

  #isOurs(header: string): boolean {
    const host = header.replace(/:[0-9]{1,5}$/, "").toLowerCase();
    const bare = host.replace(/^\[(.*)\]$/, "$1");
    // No name server leads a page to an address that the page has to spell.
    return isIP(bare) !== 0 || isLoopback(bare) || this.#hosts.has(host);
  }
}

/** What pages may send besides what a call has. */
const HEADERS_OF_PAGES = [
  ...["authorization", "content-type", "last-event-id", "traceparent", "tracestate"],
  ...["mcp-protocol-version", "mcp-method", "mcp-name", "mcp-session-id"],
  ...Object.keys(CALL_HEADERS.properties),
].join(", ");
/** The headers of MCP that are named by arguments of tools: a token of at most 128 characters, as contracts may have it. */
const PARAM_HEADER = /^mcp-param-[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;
/** The most of them that one page may ask for at once. */
const MAX_PARAM_HEADERS = 64;

/** What a browser is told that asks whether a page may. @param asked the headers that the page wants to send */
function preflight(asked: string): Readonly<Record<string, string>> {
  const params = asked
    .split(",")
    .map((name) => name.trim().toLowerCase())
    .filter((name) => PARAM_HEADER.test(name))
    .slice(0, MAX_PARAM_HEADERS);
  return {
    "access-control-allow-methods": "GET, POST, PUT, DELETE",
    "access-control-allow-headers": [HEADERS_OF_PAGES, ...params].join(", "),
    "access-control-max-age": String(PREFLIGHT_HOLDS_S),
  };
}

/** Refuses what Node would pass over, or answer without a problem. */
function checkFraming({ host, expect, "transfer-encoding": coding }: IncomingHttpHeaders): void {
  if (host === undefined)
    throw new ToolgateError("INVALID_REQUEST", "The request has no Host header, which names the node that it is for.");
  // Node takes off the last coding only: what is below would be read as if it were plain.
  if (coding !== undefined && coding.toLowerCase() !== "chunked")
    throw new ToolgateError("INVALID_REQUEST", "The body has a transfer coding besides chunked; send it as it is.");
  if (expect !== undefined && expect.toLowerCase() !== "100-continue")
    throw new ToolgateError(
      "EXPECTATION_FAILED",
      "The request expects something else than 100-continue; leave it out.",
    );
}

/** How often a header is there. @param raw names and values, in turns */
export function countOf(raw: readonly string[], name: string): number {
  let count = 0;
  for (let index = 0; index < raw.length; index += 2) if (raw[index]?.toLowerCase() === name) count++;
  return count;
}

/** A proxy may speak TLS for the node, so only the host and the port are compared. */
function isSameOrigin(origin: string, host: string): boolean {
  return /^https?:\/\/(.+)$/.exec(origin)?.[1] === host.toLowerCase();
}

function misdirected(): ToolgateError {
  return new ToolgateError(
    "MISDIRECTED",
    "The request names a host that this node is not. Ask it by an address, or name the host in TOOLGATE_HTTP_HOSTS.",
  );
}
