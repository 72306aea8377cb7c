import type { Principal } from "../identity/principal.js";
import { peerHost } from "./peer-host.js";

/** The name under which what a caller asks for is counted against its share: a connection's, while all are the same principal. */
export function shareKey(_principal: Principal, peer: string): string {
  return peer;
}

/** The host of what has a share, by the share's name; a name without a port stays as it is. */
export function hostOfShareKey(share: string): string {
  const port = share.lastIndexOf(":");
  return port < 0 ? share : peerHost(share.slice(0, port));
}
