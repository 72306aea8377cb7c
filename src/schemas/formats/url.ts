import { isIpv4 } from "./ip.js";

/** The longest name of a host, RFC 1123 section 2.1. */
const MAX_HOST = 253;
const WEB_SCHEME = /^(?:https?|ftp):\/\//i;
/** Addresses that are of use within a network only are no URL here, as ajv-formats has it. */
const PRIVATE = /^(?:0|10|127|169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|22[4-9]|2[3-5]\d)\./;
const LABEL = /^[a-z0-9\u{a1}-\u{10ffff}](?:[a-z0-9\u{a1}-\u{10ffff}-]{0,61}[a-z0-9\u{a1}-\u{10ffff}])?$/iu;
const TOP_LEVEL = /^[a-z\u{a1}-\u{10ffff}]{2,63}$/iu;

/** An address on the web with a public host, as ajv-formats means it. */
export function isUrl(text: string): boolean {
  const scheme = WEB_SCHEME.exec(text)?.[0];
  if (scheme === undefined || /\s/u.test(text)) return false;
  const [beforePath] = cut(text.slice(scheme.length), "/");
  const place = beforePath.slice(beforePath.lastIndexOf("@") + 1);
  const [host, port] = cut(place, ":");
  if (place.includes(":") && !/^[0-9]{2,5}$/.test(port)) return false;
  if (host.length > MAX_HOST) return false;
  if (isIpv4(host)) return !PRIVATE.test(host);
  const labels = host.split(".");
  return (
    labels.every((label) => LABEL.test(label)) && (labels.length > 1 ? TOP_LEVEL.test(labels.at(-1) ?? "") : false)
  );
}

/** What is before the first of a separator, and what is after it. */
function cut(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}
