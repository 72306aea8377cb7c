import { isIP } from "node:net";

const HOST = /^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$/i;
/** An entry with its port, or an address of IPv6 in the brackets of RFC 3986, section 3.2.2. */
const WITH_PORT = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/;
const RULE =
  "must be host names or addresses, with :port where it is to be that port alone, or CIDRs such as 10.1.0.0/16, with commas between them";

/** A host of such a list. */
export interface AllowListEntry {
  /** A name, an address or a CIDR. */
  readonly host: string;
  /** The only port that is allowed; undefined where all are. */
  readonly port: number | undefined;
}

/**
 * What is wrong with a list of hosts (`id.internal`, `id.internal:8443`, `10.1.0.5`, `[::1]:8080`) and of addresses in CIDR notation, with
 * commas between them; nothing where it is one. Every command reads settings, so it does without the library that matches addresses.
 */
export function allowListFault(text: string): string | undefined {
  return partsOf(text).every((part) => readEntry(part) !== undefined) ? undefined : RULE;
}

/** The entries of such a list; what is none is left out. */
export function entriesOf(text: string): AllowListEntry[] {
  return partsOf(text).flatMap((part) => readEntry(part) ?? []);
}

function partsOf(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

function readEntry(part: string): AllowListEntry | undefined {
  if (isRange(part) || isIP(part) !== 0) return { host: part, port: undefined };
  const [, bracketed, plain = "", digits] = WITH_PORT.exec(part) ?? [];
  const isHost = bracketed === undefined ? isIP(plain) !== 0 || HOST.test(plain) : isIP(bracketed) === 6;
  const port = digits === undefined ? undefined : Number(digits);
  if (!isHost || port === 0 || (port !== undefined && port > 65_535)) return undefined;
  return { host: bracketed ?? plain, port };
}

function isRange(entry: string): boolean {
  const [, address = "", bits = ""] = /^([^/]+)\/([0-9]{1,3})$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits) <= (family === 4 ? 32 : 128);
}
