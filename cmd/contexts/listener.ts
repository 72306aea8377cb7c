import { joinAddress, splitAddress } from "../../src/config/address.js";
import { environment } from "../../src/config/environment.js";
import { findKeySource, refuseExposure } from "../../src/sdk/key-source.js";
import type { ConnectionTarget } from "./connection-target.js";

/*
 * Listeners of a node besides gRPC's, as commands reach them: `host:port`, or `https://host:port` where they speak TLS. What proves a caller
 * to the nodes proves it to their listeners, too.
 */

export const HTTPS = "https://";

export function placeOf(address: string): { readonly hostPort: string; readonly isTls: boolean } {
  const isTls = address.startsWith(HTTPS);
  return { isTls, hostPort: isTls ? address.slice(HTTPS.length).replace(/\/$/, "") : address };
}

/** Where a listener is reached: one that listens on all addresses, on the loopback one. @returns undefined where that is not known */
export function reachable(address: string): string | undefined {
  const { hostPort, isTls } = placeOf(address);
  const parts = splitAddress(hostPort);
  if (parts === undefined || parts.port === 0) return undefined;
  const { host, port } = parts;
  const isAny = host === "0.0.0.0" || /^[0:]*::?[0:]*$/.test(host);
  const reached = isAny ? (host === "0.0.0.0" ? "127.0.0.1" : "::1") : host;
  return `${isTls ? HTTPS : ""}${joinAddress(reached, port)}`;
}

/**
 * What proves the caller to a listener.
 *
 * @param target how the nodes themselves are reached
 * @throws ToolgateError INVALID_CONFIG where it would go to another machine in clear
 */
export async function keyForListener(
  { nodes, options: { key: given, insecureKey } }: ConnectionTarget,
  hostPort: string,
  isTls: boolean,
): Promise<string | undefined> {
  const how = { ...(insecureKey === undefined ? {} : { insecureKey }), ...(isTls ? { tls: true } : {}) };
  const source = await findKeySource({
    ...{ addresses: [hostPort], env: environment(), onUnusable: () => {} }, // the connection to the nodes tells of it
    ...(given === undefined ? {} : { key: given }),
    ...how,
  });
  for (const node of nodes) {
    const key = await source.read(node);
    if (key === undefined) continue;
    refuseExposure([hostPort], how, `The key of ${source.origin}`);
    return key;
  }
  return undefined;
}
