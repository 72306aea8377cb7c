import { isIpv6 } from "./ip.js";

/**
 * URIs (RFC 3986) and IRIs (RFC 3987), absolute or relative. A text is cut into its parts once, and each part is searched once for
 * what must not be in it: linear in a text of any length.
 */

/** What must not be in the parts of a reference. */
interface Alphabet {
  readonly notInPath: RegExp;
  readonly notInQuery: RegExp;
  readonly notInFragment: RegExp;
  readonly notInUserinfo: RegExp;
  readonly notInName: RegExp;
}

/** RFC 3987 section 2.2: `ucschar` anywhere, `iprivate` in queries only. */
const UCS =
  "\\u{a0}-\\u{d7ff}\\u{f900}-\\u{fdcf}\\u{fdf0}-\\u{ffef}" +
  Array.from({ length: 14 }, (_, plane) => {
    const [first, last] = [(plane + 1) * 0x10000 + (plane === 13 ? 0x1000 : 0), (plane + 1) * 0x10000 + 0xfffd];
    return `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`;
  }).join("");
const PRIVATE = "\\u{e000}-\\u{f8ff}\\u{f0000}-\\u{ffffd}\\u{100000}-\\u{10fffd}";
const UNRESERVED = "a-zA-Z0-9\\-._~!$&'()*+,;=";

const URI = alphabet("", "");
const IRI = alphabet(UCS, PRIVATE);

function alphabet(letters: string, queryLetters: string): Alphabet {
  // An escape is a percent sign and two hexadecimal digits. Without the flag i, which would take the Kelvin sign for a k.
  const not = (characters: string) => new RegExp(`%(?![0-9a-fA-F]{2})|[^%${UNRESERVED}${characters}]`, "u");
  return {
    notInPath: not(`:@/${letters}`),
    notInQuery: not(`:@/?${letters}${queryLetters}`),
    notInFragment: not(`:@/?${letters}`),
    notInUserinfo: not(`:${letters}`),
    notInName: not(letters),
  };
}

const SCHEME = /^[a-z][a-z0-9+\-.]*:/i;
const NOT_IN_PORT = /[^0-9]/;
const IP_FUTURE = /^v[0-9a-f]+\.[a-z0-9\-._~!$&'()*+,;=:]+$/i;
/** The longest version and address of the future that is looked at. */
const MAX_IP_FUTURE = 256;

/** An absolute URI, with or without a fragment. */
export function isUri(text: string): boolean {
  return SCHEME.test(text) && isReference(text, URI);
}

/** A URI, or a reference that is relative to one. */
export function isUriReference(text: string): boolean {
  return isReference(text, URI);
}

/** An absolute IRI, with or without a fragment. */
export function isIri(text: string): boolean {
  return SCHEME.test(text) && isReference(text, IRI);
}

/** An IRI, or a reference that is relative to one. */
export function isIriReference(text: string): boolean {
  return isReference(text, IRI);
}

function isReference(text: string, not: Alphabet): boolean {
  const [beforeFragment, fragment] = cut(text, "#");
  const [beforeQuery, query] = cut(beforeFragment, "?");
  if (not.notInFragment.test(fragment) || not.notInQuery.test(query)) return false;
  const scheme = SCHEME.exec(beforeQuery)?.[0] ?? "";
  const rest = beforeQuery.slice(scheme.length);
  if (!rest.startsWith("//")) {
    // Without a scheme, what is before a colon in the first segment would be taken for one (section 4.2).
    return !not.notInPath.test(rest) && (scheme !== "" || !cut(rest, "/")[0].includes(":"));
  }
  const end = rest.indexOf("/", 2);
  const path = end < 0 ? "" : rest.slice(end);
  return !not.notInPath.test(path) && isAuthority(rest.slice(2, end < 0 ? undefined : end), not);
}

/** RFC 3986 section 3.2. */
function isAuthority(text: string, not: Alphabet): boolean {
  const at = text.lastIndexOf("@");
  if (at >= 0 && not.notInUserinfo.test(text.slice(0, at))) return false;
  const place = text.slice(at + 1);
  if (place.startsWith("[")) {
    const end = place.indexOf("]");
    return end > 0 && isPort(place.slice(end + 1)) && isLiteral(place.slice(1, end));
  }
  const colon = place.indexOf(":");
  const name = colon < 0 ? place : place.slice(0, colon);
  return !not.notInName.test(name) && isPort(colon < 0 ? "" : place.slice(colon));
}

function isLiteral(text: string): boolean {
  return isIpv6(text) || (text.length <= MAX_IP_FUTURE && IP_FUTURE.test(text));
}

/** Nothing, or a colon and digits, which may be absent. */
function isPort(text: string): boolean {
  return text === "" || (text.startsWith(":") && !NOT_IN_PORT.test(text.slice(1)));
}

/** What is before the first of a separator, and what is after it. */
function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
