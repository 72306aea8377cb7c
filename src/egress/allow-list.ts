import ipaddr from "ipaddr.js";
import { type AllowListEntry, entriesOf } from "./allow-list-fault.js";

/**
 * Hosts that may be private: an identity provider of one's own, say. An entry with a port allows that port alone; where it is not known which
 * port is asked, it allows nothing.
 */
export interface AllowList {
  /** By its name; then whatever it resolves to, and plain HTTP. */
  allowsHost(hostname: string, port?: number): boolean;
  /** By its address. */
  allowsAddress(address: string, port?: number): boolean;
}

/** 2000::/3. */
const GIVEN_OUT = ipaddr.IPv6.parseCIDR("2000::/3");

/** Reads such a list; what is none of its entries allows nothing. */
export function allowList(text: string): AllowList {
  const hosts: AllowListEntry[] = [];
  const ranges: { readonly range: Range; readonly port: number | undefined }[] = [];
  for (const { host, port } of entriesOf(text)) {
    if (ipaddr.isValidCIDR(host)) ranges.push({ range: ipaddr.parseCIDR(host), port });
    else if (ipaddr.isValid(host)) ranges.push({ range: wholeAddress(host), port });
    else hosts.push({ host: host.toLowerCase(), port });
  }
  return {
    allowsHost: (hostname, asked) => {
      const name = hostname.toLowerCase();
      return hosts.some(({ host, port }) => host === name && (port === undefined || port === asked));
    },
    allowsAddress: (address, asked) => {
      if (!ipaddr.isValid(address)) return false;
      const parsed = ipaddr.process(address);
      return ranges.some(
        ({ range: [first, bits], port }) =>
          first.kind() === parsed.kind() && parsed.match(first, bits) && (port === undefined || port === asked),
      );
    },
  };
}

type Range = [ipaddr.IPv4 | ipaddr.IPv6, number];

function wholeAddress(text: string): Range {
  const address = ipaddr.process(text);
  return [address, address.kind() === "ipv4" ? 32 : 128];
}

/** Whether an address is one that anybody in the internet may have: none of this machine, of its network, or of a translation into those. */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  // Of IPv6 only what is given out today (RFC 4291, 2.4): elsewhere there are forms such as ::127.0.0.1, which mean IPv4 addresses.
  const given = parsed.kind() === "ipv4" || parsed.match(GIVEN_OUT);
  return given && parsed.range() === "unicast";
}
