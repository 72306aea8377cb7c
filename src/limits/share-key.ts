import { callerName } from "../identity/caller-name.js";
import type { Principal } from "../identity/principal.js";
import { peerHost } from "./peer-host.js";

/** Those of principals; see `callerName`. */
const KEYS = new WeakMap<Principal, string>();

/**
 * The name under which what a caller asks for is counted against its share: the principal's, through however many connections it comes; the
 * connection's, where all are the same principal.
 */
export function shareKey(principal: Principal, peer: string): string {
  if (principal.kind === "anonymous") return peer;
  let key = KEYS.get(principal);
  if (key === undefined) {
    key = callerName(principal).replaceAll(":", "%3A"); // a colon is what a port stands behind
    KEYS.set(principal, key);
  }
  return key;
}

/** The host of what has a share, by the share's name; the name of a principal, or one without a port, stays as it is. */
export function hostOfShareKey(share: string): string {
  const port = share.lastIndexOf(":");
  return port < 0 ? share : peerHost(share.slice(0, port));
}
