import ipaddr from "ipaddr.js";

/** Hosts that may be private: an identity provider of one's own, say. */
export interface AllowList {
  /** By its name; then whatever it resolves to, and plain HTTP. */
  allowsHost(hostname: string): boolean;
  /** By its address. */
  allowsAddress(address: string): boolean;
}

const HOST = /^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$/i;

/** 2000::/3. */
const GIVEN_OUT = ipaddr.IPv6.parseCIDR("2000::/3");
const RULE = "must be host names, addresses or CIDRs such as 10.1.0.0/16, with commas between them";

/** What is wrong with a list of hosts and of addresses in CIDR notation, with commas between them; nothing where it is one. */
export function allowListFault(text: string): string | undefined {
  const right = entriesOf(text).every(
    (entry) => ipaddr.isValidCIDR(entry) || ipaddr.isValid(entry) || HOST.test(entry),
  );
  return right ? undefined : RULE;
}

const entriesOf = (text: string): string[] =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

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
