/** A server's host and port. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

/** The user that logs in at the servers that hold the data. */
export interface RedisLogin {
  readonly username?: string;
  readonly password?: string;
}

/** Where Redis is, and what it is made of. */
export type RedisAddress =
  /** One server. */
  | { readonly kind: "standalone"; readonly url: string }
  /** A master with replicas, which Sentinels watch. */
  | {
      readonly kind: "sentinel";
      readonly sentinels: readonly HostAndPort[];
      /** What the Sentinels call the master. */
      readonly name: string;
      readonly database: number;
      readonly tls: boolean;
      readonly login: RedisLogin;
      readonly sentinelLogin: RedisLogin;
    }
  /** A Redis Cluster; the seeds tell of the others. */
  | {
      readonly kind: "cluster";
      readonly seeds: readonly HostAndPort[];
      readonly tls: boolean;
      readonly login: RedisLogin;
    };

/** What became of reading a URL: an address, or the rule that the URL breaks. */
type Reading =
  | { readonly kind: "address"; readonly address: RedisAddress }
  | { readonly kind: "fault"; readonly fault: string };

const FORMS =
  'must begin with redis://, redis+sentinel:// or redis+cluster:// (for TLS with rediss), as in "redis://127.0.0.1:6379"';
const SENTINEL_FORM = '"redis+sentinel://host1:26379,host2:26379,host3:26379/mymaster"';
const CLUSTER_FORM = '"redis+cluster://host1:6379,host2:6379,host3:6379"';

const LIST_URL = /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/;

/** Reads a Redis URL that `redisUrlFault` found nothing wrong with. */
export function parseRedisUrl(text: string): RedisAddress {
  const reading = read(text);
  if (reading.kind === "fault") throw new TypeError(`a Redis URL ${reading.fault}`);
  return reading.address;
}

/**
 * What is wrong with a Redis URL, as a rule that it breaks; undefined when nothing is. The URL is never repeated: it may
 * hold a password.
 */
export function redisUrlFault(text: string): string | undefined {
  const reading = read(text);
  return reading.kind === "fault" ? reading.fault : undefined;
}

/** A list of Redis URLs, separated by blanks or commas; empty for an empty text. */
export function splitRedisUrls(text: string): readonly string[] {
  return text.split(/[\s,]+/).filter((url) => url !== "");
}

/** What is wrong with a list of URLs of standalone servers; undefined when nothing is. */
export function redisUrlsFault(text: string): string | undefined {
  const urls = splitRedisUrls(text);
  for (const [index, url] of urls.entries()) {
    const reading = read(url);
    if (reading.kind === "fault") return `must be a list of URLs, and number ${index + 1} ${reading.fault}`;
    if (reading.address.kind !== "standalone") {
      return `must be a list of independent servers (redis://), and number ${index + 1} is a ${reading.address.kind}`;
    }
  }
  if (new Set(urls.map(withoutCredentials)).size < urls.length) return "must name each server once";
  if (urls.length === 2)
    return "must name one server, or three and more: with two, the loss of either ends the election";
  return undefined;
}

/** A Redis URL without its user, passwords and parameters, for logs and messages. */
export function withoutCredentials(redisUrl: string): string {
  const [, scheme, kind, , hosts, path] = LIST_URL.exec(redisUrl) ?? [];
  if (scheme !== undefined) return `${scheme}+${kind}://${hosts}${path ? `/${path}` : ""}`;
  try {
    const url = new URL(redisUrl);
    return `${url.protocol}//${url.host}${url.pathname}`;
  } catch {
    return "(not a URL)";
  }
}

function read(text: string): Reading {
  return /^rediss?\+/.test(text) ? readList(text) : readSingle(text);
}

function readSingle(text: string): Reading {
  if (text.includes(",")) {
    return broken(`must name one server, unless it is ${SENTINEL_FORM} or ${CLUSTER_FORM}`);
  }
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return broken(FORMS);
  }
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") return broken(FORMS);
  if (url.hostname === "") return broken('must name a host, as in "redis://127.0.0.1:6379"');
  if (!/^(\/\d{0,5})?$/.test(url.pathname)) {
    return broken("may have the number of a database after the port, and nothing else");
  }
  if (url.search !== "" || url.hash !== "") return broken("must not have parameters (?) or a fragment (#)");
  return { kind: "address", address: { kind: "standalone", url: text } };
}

function readList(text: string): Reading {
  const [, scheme, kind, user = "", hosts = "", path = "", query = ""] = LIST_URL.exec(text) ?? [];
  if (kind === undefined) {
    return broken(
      `must have the form ${SENTINEL_FORM} or ${CLUSTER_FORM}; a user and password stand once, before the first host`,
    );
  }
  const servers = readHosts(hosts, kind === "sentinel" ? 26_379 : 6_379);
  if (servers === undefined) {
    return broken(`must name hosts with their ports, as in ${kind === "sentinel" ? SENTINEL_FORM : CLUSTER_FORM}`);
  }
  const parameters = new URLSearchParams(query);
  const login = readLogin(user);
  if (login === undefined) return broken("has a user or password with a % that encodes nothing: write it as %25");
  const tls = scheme === "rediss";
  if (kind === "cluster") {
    if (path !== "") return broken("must end after the hosts: a Redis Cluster has one database");
    if (parameters.size > 0) return broken("must not have parameters (?) for a Redis Cluster");
    return { kind: "address", address: { kind, seeds: servers, tls, login } };
  }
  if (!/^[A-Za-z0-9._-]+$/.test(path)) {
    return broken(`must end with the name that the Sentinels give the master, as in ${SENTINEL_FORM}`);
  }
  const known = ["db", "sentinelUser", "sentinelPassword"];
  const unknown = [...parameters.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) return broken(`may have the parameters ${known.join(", ")}, and no others`);
  const database = parameters.get("db") ?? "0";
  if (!/^\d{1,5}$/.test(database)) return broken("must have the number of a database as its parameter db");
  const sentinelLogin = loginOf(parameters.get("sentinelUser") ?? "", parameters.get("sentinelPassword") ?? "");
  return {
    kind: "address",
    address: {
      kind: "sentinel",
      sentinels: servers,
      name: path,
      database: Number(database),
      tls,
      login,
      sentinelLogin,
    },
  };
}

function readHosts(text: string, defaultPort: number): HostAndPort[] | undefined {
  const servers: HostAndPort[] = [];
  for (const one of text.split(",")) {
    const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(one) ?? [];
    const host = bracketed ?? plain;
    const number = port === undefined ? defaultPort : Number(port);
    if (host === undefined || number < 1 || number > 65_535) return undefined;
    servers.push({ host, port: number });
  }
  return servers;
}

/** `user:password`, percent-encoded; nothing when the encoding is broken. */
function readLogin(text: string): RedisLogin | undefined {
  const colon = text.indexOf(":");
  try {
    return loginOf(
      decodeURIComponent(colon === -1 ? text : text.slice(0, colon)),
      colon === -1 ? "" : decodeURIComponent(text.slice(colon + 1)),
    );
  } catch {
    return undefined;
  }
}

function loginOf(username: string, password: string): RedisLogin {
  return { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
}

function broken(fault: string): Reading {
  return { kind: "fault", fault };
}
