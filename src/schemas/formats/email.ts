import { isHostname, isIdnHostname } from "./hostname.js";
import { isIpv4, isIpv6 } from "./ip.js";

/** What is before the @, in octets, RFC 5321 section 4.5.3.1.1. */
const MAX_LOCAL = 64;
/** Dot-separated words, or a text in quotes, RFC 5321 section 4.1.2; and with characters beyond ASCII, RFC 6531 section 3.3. */
const LOCAL = /^(?:[\w!#$%&'*+\-/=?^`{|}~]+(?:\.[\w!#$%&'*+\-/=?^`{|}~]+)*|"(?:[ !#-[\]-~]|\\[ -~])*")$/;
const IDN_LOCAL =
  /^(?:[\w!#$%&'*+\-/=?^`{|}~\u{80}-\u{10ffff}]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u{80}-\u{10ffff}]+)*|"(?:[ !#-[\]-~\u{80}-\u{10ffff}]|\\[ -~])*")$/u;

/** A mailbox, RFC 5321 section 4.1.2: no names, no comments. */
export function isEmail(text: string): boolean {
  return isMailbox(text, LOCAL, isHostname);
}

/** The same, with characters beyond ASCII on both sides of the @, RFC 6531. */
export function isIdnEmail(text: string): boolean {
  return isMailbox(text, IDN_LOCAL, (domain) => isIdnHostname(domain.normalize("NFC")));
}

function isMailbox(text: string, local: RegExp, isDomain: (text: string) => boolean): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1 || at > MAX_LOCAL || Buffer.byteLength(text.slice(0, at)) > MAX_LOCAL) return false;
  if (!local.test(text.slice(0, at))) return false;
  const domain = text.slice(at + 1);
  if (domain.length > MAX_DOMAIN) return false;
  return domain.startsWith("[") ? isAddress(domain) : isDomain(domain);
}

/** The longest domain that is looked at, in UTF-16 code units: more than any has. */
const MAX_DOMAIN = 512;

/** An address in brackets, RFC 5321 section 4.1.3. */
function isAddress(domain: string): boolean {
  if (!domain.endsWith("]")) return false;
  const address = domain.slice(1, -1);
  return /^ipv6:/i.test(address) ? isIpv6(address.slice(5)) : isIpv4(address);
}
