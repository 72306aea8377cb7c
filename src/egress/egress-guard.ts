import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isIP, type LookupFunction } from "node:net";
import { type AllowList, isPublicAddress } from "./allow-list.js";
import { EgressError } from "./egress-error.js";

/**
 * Decides which URLs may be dialled. Whoever may write them must not reach, through this process, what only this process reaches.
 *
 * - Only `https`, without user and password, on usual ports.
 * - A host's every address must be a public one, and is looked at where it is dialled: a name that resolves otherwise the next time
 *   gains nothing. An address in the URL itself is not looked up by anybody, so it is looked at before.
 *
 * What an operator allows by name or address, at one port or at all, may be private, and speak plain HTTP.
 */
export interface EgressGuard {
  /**
   * Reads a URL that is to be dialled.
   *
   * @throws EgressError `refused`
   */
  checkUrl(text: string): URL;
  /**
   * What sockets to an origin resolve names with: what it answers is what is dialled. It fails with an EgressError.
   *
   * @param origin such as `https://api.example.com:8443`: a socket does not tell its lookup which port it is for.
   */
  lookupFor(origin: string | URL): LookupFunction;
}

export interface EgressGuardOptions {
  readonly allow: AllowList;
  /** What allows a private address, for the messages: a setting or an option. Absent where nothing does. */
  readonly allowedBy?: string;
  /** All addresses of a name; the system's resolver unless said. */
  readonly resolve?: (hostname: string) => Promise<readonly LookupAddress[]>;
}

const MAX_URL = 2_048;
/** Ports below this one belong to protocols that must not be spoken to in HTTP. */
const FIRST_FREE_PORT = 1_024;

export function createEgressGuard(options: EgressGuardOptions): EgressGuard {
  const { allow, allowedBy } = options;
  const resolve = options.resolve ?? ((hostname: string) => lookup(hostname, { all: true }));

  async function checkedAddresses(hostname: string, port: number): Promise<readonly LookupAddress[]> {
    const addresses = await resolve(hostname);
    if (addresses.length === 0) throw new EgressError("failed", `${hostname} has no address`);
    if (allow.allowsHost(hostname, port)) return addresses;
    for (const { address } of addresses) checkAddress(hostname, address, port);
    return addresses;
  }

  function checkAddress(hostname: string, address: string, port: number): void {
    if (isPublicAddress(address) || allow.allowsAddress(address, port)) return;
    const remedy = allowedBy === undefined ? "" : `; ${allowedBy} can allow it`;
    throw new EgressError("refused", `${hostname} is no public address${remedy}`);
  }

  return {
    checkUrl(text) {
      const url = text.length <= MAX_URL && URL.canParse(text) ? new URL(text) : undefined;
      if (url === undefined) throw new EgressError("refused", "it is no URL");
      const hostname = url.hostname.replace(/^\[|\]$/g, "");
      const literal = isIP(hostname) !== 0;
      const port = portOf(url);
      const allowed = literal ? allow.allowsAddress(hostname, port) : allow.allowsHost(hostname, port);
      if (url.protocol !== "https:" && !(url.protocol === "http:" && allowed)) {
        throw new EgressError("refused", "it must be an https URL");
      }
      if (url.username !== "" || url.password !== "")
        throw new EgressError("refused", "it must have no user or password");
      if (url.port !== "" && Number(url.port) < FIRST_FREE_PORT && !allowed && url.port !== "80") {
        throw new EgressError("refused", "its port is not one of HTTP");
      }
      if (literal) checkAddress(hostname, hostname, port);
      return url;
    },
    lookupFor(origin) {
      const port = portOf(new URL(origin));
      return (hostname, { all = false }, callback) => {
        checkedAddresses(hostname, port).then(
          (addresses) => {
            const [first] = addresses;
            if (all) callback(null, [...addresses]);
            else callback(null, first?.address ?? "", first?.family ?? 4);
          },
          (error: unknown) => callback(asError(error), ""),
        );
      };
    },
  };
}

/** The port that a URL's requests go to. */
function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  return protocol === "http:" ? 80 : 443;
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));
