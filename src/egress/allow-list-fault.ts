import { isIP } from "node:net";

const HOST = /^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$/i;
const RULE = "must be host names, addresses or CIDRs such as 10.1.0.0/16, with commas between them";

/**
 * What is wrong with a list of hosts and of addresses in CIDR notation, with commas between them; nothing where it is one. Every command reads
 * settings, so it does without the library that matches addresses.
 */
export function allowListFault(text: string): string | undefined {
  return entriesOf(text).every((entry) => isRange(entry) || isIP(entry) !== 0 || HOST.test(entry)) ? undefined : RULE;
}

/** The entries of such a list. */
export function entriesOf(text: string): string[] {
  return text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
}

function isRange(entry: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/([0-9]{1,3})$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}
