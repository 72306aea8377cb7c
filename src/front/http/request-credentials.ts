import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Credentials } from "../../access/access-control.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { peerCertificate } from "../listening/tls-files.js";
import { countOf } from "./request-guard.js";

/**
 * The cookie of a login. Its prefix has browsers take it from this host alone, by TLS (or from a loopback name), and send it to no other
 * (https://www.rfc-editor.org/rfc/rfc6265#section-5.4, and the draft that follows it).
 */
export const SESSION_COOKIE = "__Host-toolgate-session";
/** What a page has to send along with the cookie wherever it changes something: see `csrfTokenOf`. */
export const CSRF_HEADER = "x-csrf-token";

const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * What a request proves its caller by: the `authorization` header, the cookie of a login, or the certificate of the connection. Nothing
 * else of a request is looked at.
 *
 * @throws ToolgateError UNAUTHENTICATED where there is more than one header, or the cookie without its token
 */
export function credentialsOf(request: IncomingMessage, peer: string): Credentials {
  const { headers, rawHeaders, socket } = request;
  if (countOf(rawHeaders, "authorization") > 1)
    throw new ToolgateError("UNAUTHENTICATED", "There is more than one authorization header.");
  const certificate = peerCertificate(socket)?.raw;
  if (headers.authorization !== undefined) return { authorization: headers.authorization, certificate, peer };
  const session = sessionOf(headers.cookie);
  if (session === undefined) return { authorization: undefined, certificate, peer };
  if (!SAFE_METHODS.has(request.method ?? "") && !isCsrfTokenOf(session, headers[CSRF_HEADER]))
    throw new ToolgateError(
      "UNAUTHENTICATED",
      `A request with the cookie of a login needs the login's ${CSRF_HEADER} where it changes something.`,
    );
  return { authorization: `Bearer ${session}`, certificate, peer };
}

/** The token of a login in a cookie header. @throws ToolgateError UNAUTHENTICATED where there are several */
export function sessionOf(cookie: string | undefined): string | undefined {
  if (cookie === undefined) return undefined;
  const found = cookie
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${SESSION_COOKIE}=`));
  if (found.length > 1) throw new ToolgateError("UNAUTHENTICATED", "There is more than one cookie of a login.");
  return found[0]?.slice(SESSION_COOKIE.length + 1);
}

/** The header that gives a browser the cookie of a login: pages cannot read it, and it goes when the browser is closed. */
export function sessionCookie(session: string): string {
  return `${SESSION_COOKIE}=${session}; Path=/; Secure; HttpOnly; SameSite=Lax`;
}

/** The header that takes the cookie of a login from a browser. */
export function noSessionCookie(): string {
  return `${sessionCookie("")}; Max-Age=0`;
}

/** What proves that a request with a login's cookie was made by a page that knows the login: no other page can read or guess it. */
export function csrfTokenOf(session: string): string {
  return createHash("sha256").update(`toolgate csrf ${session}`).digest("base64url");
}

function isCsrfTokenOf(session: string, sent: unknown): boolean {
  const [expected, given] = [Buffer.from(csrfTokenOf(session)), Buffer.from(String(sent ?? ""))];
  return expected.length === given.length && timingSafeEqual(expected, given);
}
