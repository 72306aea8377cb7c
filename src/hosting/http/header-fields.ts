/** A header's name: RFC 9110, section 5.1. A cookie's is of the same form. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/;
/** What a header's value may consist of: no control characters, so that none becomes a line of its own. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Headers that are the client's own: of the connection and of the message's form, of authentication, and what says for whom a
 * request is made.
 */
const OWN = new Set([
  "accept",
  "accept-encoding",
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "cookie",
  "cookie2",
  "expect",
  "host",
  "http2-settings",
  "keep-alive",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "via",
]);

/** Whether a text can be a header's or a cookie's name. */
export const isFieldName = (name: string): boolean => TOKEN.test(name);

/** Whether a text can be a header's value. */
export const isFieldValue = (value: string): boolean => VALUE.test(value);

/** Whether a header is not for arguments of calls to set. OpenAPI ignores the first three of them, too. */
export function isOwnHeader(name: string): boolean {
  const lower = name.toLowerCase();
  return OWN.has(lower) || lower.startsWith("proxy-");
}
