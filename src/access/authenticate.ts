import type { Metadata } from "@grpc/grpc-js";
import { ANONYMOUS, type Principal } from "../identity/principal.js";

/** What there is to tell a caller by. */
export interface Credentials {
  readonly metadata: Metadata;
  /** `host:port` of the connection's other end: a load balancer's, where there is one. */
  readonly peer: string;
}

/**
 * The one place where a request gets its principal, before any handler runs. There is no authentication yet, so every caller
 * is the same principal; client certificates, tokens and keys are to be looked at here, and a refusal thrown from here.
 */
export function authenticate(_credentials: Credentials): Principal {
  return ANONYMOUS;
}
