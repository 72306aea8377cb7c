/** The longest form in text, RFC 4291 section 2.2. */
const MAX_IPV6 = 45;
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`);
const GROUP = /^[0-9a-f]{1,4}$/i;

/** Four decimal numbers, RFC 2673 section 3.2, without leading zeros. */
export function isIpv4(text: string): boolean {
  return text.length <= 15 && IPV4.test(text);
}

/** An address of RFC 4291 section 2.2, without a zone. */
export function isIpv6(text: string): boolean {
  if (text.length > MAX_IPV6) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === "" ? [] : half.split(":")));
  let count = groups.length;
  // The last two groups may be written as an IPv4 address.
  if (groups.at(-1)?.includes(".") && !text.endsWith("::")) {
    if (!isIpv4(groups.pop() ?? "")) return false;
    count++;
  }
  return groups.every((group) => GROUP.test(group)) && (halves.length === 1 ? count === 8 : count < 8);
}
