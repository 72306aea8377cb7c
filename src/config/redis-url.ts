/**
 * What is wrong with a Redis URL, as a rule that it breaks; undefined when nothing is. The URL is never repeated: it may
 * hold a password.
 *
 * One standalone Redis for now. Sentinel and Cluster will take lists of addresses here.
 */
export function redisUrlFault(text: string): string | undefined {
  if (text.includes(",")) return "must be a single URL: lists of addresses (Sentinel, Cluster) are not supported";
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return 'must be a URL, as in "redis://127.0.0.1:6379" or "rediss://user:password@host:6379/0"';
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") {
    return "must begin with redis:// or, for TLS, with rediss://";
  }
  if (url.hostname === "") return 'must name a host, as in "redis://127.0.0.1:6379"';
  if (!/^(\/\d{0,5})?$/.test(url.pathname)) return "may have the number of a database after the port, and nothing else";
  if (url.search !== "" || url.hash !== "") return "must not have parameters (?) or a fragment (#)";
  return undefined;
}

/** A Redis URL without its user and password, for logs and messages. */
export function withoutCredentials(redisUrl: string): string {
  try {
    const url = new URL(redisUrl);
    return `${url.protocol}//${url.host}${url.pathname}`;
  } catch {
    return "(not a URL)";
  }
}
