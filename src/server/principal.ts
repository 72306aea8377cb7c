import type { Metadata } from "@grpc/grpc-js";
import { peerHost } from "./peer-address.js";

/** Who makes a request: everything that is decided about a caller is decided about this. */
export interface Principal {
  /** The tenant that owns what the caller makes; call ids are derived within it. */
  readonly tenant: string;
  /** The caller itself. */
  readonly subject: string;
}

/** What there is to tell a caller by. */
export interface Credentials {
  readonly metadata: Metadata;
  /** `host:port` of the connection's other end: a load balancer's, where there is one. */
  readonly peer: string;
}

const ANONYMOUS: Principal = Object.freeze({ tenant: "default", subject: "anonymous" });

/**
 * The one place where a request gets its principal, before any handler runs. There is no authentication yet, so everybody
 * is the same principal; client certificates, tokens and keys are to be looked at here, and a refusal thrown from here.
 */
export function authenticate(_credentials: Credentials): Principal {
  return ANONYMOUS;
}

/** The name under which what a caller asks for is counted against its share: a connection's, while all are the same principal. */
export function shareName(_principal: Principal, peer: string): string {
  return peer;
}

/** The host of what has a share, by the share's name; a name without a port stays as it is. */
export function shareHost(share: string): string {
  const port = share.lastIndexOf(":");
  return port < 0 ? share : peerHost(share.slice(0, port));
}
