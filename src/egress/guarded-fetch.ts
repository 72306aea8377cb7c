import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Agent, request } from "undici";
import { type AllowList, isPublicAddress } from "./allow-list.js";

/**
 * Fetches what a URL in a document names. Whoever may write documents must not reach, through a node, what only nodes reach.
 *
 * - Only `https`, without user and password, on usual ports.
 * - A host's every address must be a public one, and is looked at where it is dialled: a name that resolves otherwise the next time
 *   gains nothing. An address in the URL itself is not looked up by anybody, so it is looked at before.
 * - Redirects are followed within the same origin alone.
 * - What comes is bounded in time and size.
 *
 * What an operator allows by name or address may be private, and speak plain HTTP.
 */
export interface GuardedFetch {
  /**
   * Gets a JSON document.
   *
   * @returns its bytes
   * @throws EgressError whose message names neither the URL's path nor what was answered
   */
  getJson(url: string): Promise<Buffer>;
  /** Ends all connections. Idempotent. */
  stop(): Promise<void>;
}

/** Why nothing was fetched. */
export class EgressError extends Error {
  override readonly name = "EgressError";
  /** `refused`: the URL may not be fetched; `failed`: it could not be, and may be later. */
  readonly kind: "refused" | "failed";

  constructor(kind: "refused" | "failed", message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
  }
}

export interface GuardedFetchOptions {
  readonly allow: AllowList;
  /** All addresses of a name; the system's resolver unless said. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
  /** How long one fetch may take in all, in milliseconds; 5,000 unless said. */
  readonly timeoutMs?: number;
  /** The most bytes of an answer; 256 KiB unless said. */
  readonly maxBytes?: number;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;
const MAX_REDIRECTS = 3;
const MAX_URL = 2_048;
/** Ports below this one belong to protocols that must not be spoken to in HTTP. */
const FIRST_FREE_PORT = 1_024;

/** @throws nothing; see `GuardedFetch` */
export function createGuardedFetch(options: GuardedFetchOptions): GuardedFetch {
  const { allow, timeoutMs = TIMEOUT_MS, maxBytes = MAX_BYTES } = options;
  const resolve = options.resolve ?? ((hostname: string) => lookup(hostname, { all: true }));
  const agent = new Agent({
    connections: 4,
    pipelining: 1,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    maxHeaderSize: 16_384,
    maxResponseSize: maxBytes,
    keepAliveTimeout: 4_000,
    connect: {
      timeout: timeoutMs,
      // What this answers is what is dialled.
      lookup: (hostname, { all }, callback) => {
        checkedAddresses(hostname).then(
          (addresses) => {
            const [first] = addresses;
            if (all) callback(null, [...addresses]);
            else callback(null, first?.address ?? "", first?.family ?? 4);
          },
          (error: unknown) => callback(asError(error), ""),
        );
      },
    },
  });

  async function checkedAddresses(hostname: string): Promise<readonly LookupAddress[]> {
    const addresses = await resolve(hostname);
    if (addresses.length === 0) throw new EgressError("failed", `${hostname} has no address`);
    if (allow.allowsHost(hostname)) return addresses;
    for (const { address } of addresses) checkAddress(hostname, address);
    return addresses;
  }

  function checkAddress(hostname: string, address: string): void {
    if (isPublicAddress(address) || allow.allowsAddress(address)) return;
    throw new EgressError("refused", `${hostname} is no public address; TOOLGATE_EGRESS_ALLOW can allow it`);
  }

  function checkUrl(text: string): URL {
    const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined) throw new EgressError("refused", "it is no URL");
    const hostname = url.hostname.replace(/^\[|\]$/g, "");
    const literal = isIP(hostname) !== 0;
    const allowed = literal ? allow.allowsAddress(hostname) : allow.allowsHost(hostname);
    if (url.protocol !== "https:" && !(url.protocol === "http:" && allowed)) {
      throw new EgressError("refused", "it must be an https URL");
    }
    if (url.username !== "" || url.password !== "")
      throw new EgressError("refused", "it must have no user or password");
    if (url.port !== "" && Number(url.port) < FIRST_FREE_PORT && !allowed && url.port !== "80") {
      throw new EgressError("refused", "its port is not one of HTTP");
    }
    if (literal) checkAddress(hostname, hostname);
    return url;
  }

  async function get(url: URL, signal: AbortSignal, redirects: number): Promise<Buffer> {
    const { statusCode, headers, body } = await request(url, {
      dispatcher: agent,
      signal,
      headers: { accept: "application/json" },
    });
    const { location } = headers;
    if (statusCode >= 300 && statusCode < 400 && typeof location === "string") {
      await body.dump();
      const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined;
      if (next === undefined || next.origin !== url.origin) {
        throw new EgressError("refused", "it redirects to another origin");
      }
      if (redirects === 0) throw new EgressError("failed", "it redirects too often");
      return get(checkUrl(next.href), signal, redirects - 1);
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

  return {
    async getJson(text) {
      try {
        return await get(checkUrl(text), AbortSignal.timeout(timeoutMs), MAX_REDIRECTS);
      } catch (error) {
        throw asEgressError(error);
      }
    },
    stop: () => agent.destroy(),
  };
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Finds our own reason in what the client made of it. */
function asEgressError(error: unknown): EgressError {
  if (error instanceof EgressError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof EgressError) return cause;
  const { code } = (error ?? {}) as { readonly code?: unknown }; // absent on most
  return new EgressError("failed", `it could not be fetched${typeof code === "string" ? ` (${code})` : ""}`);
}
