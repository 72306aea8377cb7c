import ipaddr from "ipaddr.js";
import { entriesOf } from "./allow-list-fault.js";

/** Hosts that may be private: an identity provider of one's own, say. */
export interface AllowList {
  /** By its name; then whatever it resolves to, and plain HTTP. */
  allowsHost(hostname: string): boolean;
  /** By its address. */
  allowsAddress(address: string): boolean;
}

/** 2000::/3. */
const GIVEN_OUT = ipaddr.IPv6.parseCIDR("2000::/3");

/** Reads such a list; what is none of its entries allows nothing. */
export function allowList(text: string): AllowList {
  const hosts = new Set<string>();
  const ranges: [ipaddr.IPv4 | ipaddr.IPv6, number][] = [];
  for (const entry of entriesOf(text)) {
    if (ipaddr.isValidCIDR(entry)) ranges.push(ipaddr.parseCIDR(entry));
    else if (ipaddr.isValid(entry)) ranges.push(wholeAddress(entry));
    else hosts.add(entry.toLowerCase());
  }
  return {
    allowsHost: (hostname) => hosts.has(hostname.toLowerCase()),
    allowsAddress: (address) => {
      if (!ipaddr.isValid(address)) return false;
      const parsed = ipaddr.process(address);
      return ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits));
    },
  };
}

function wholeAddress(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
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
