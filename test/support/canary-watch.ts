import type { Redis } from "ioredis";
import { readSecretToken } from "../../src/access/credentials/secret-token.js";

/*
 * What must stand in no log and in no Redis, and where it stands all the same.
 *
 * A secret is known by its form: one of Toolgate's tokens with a right checksum, a JWT whose header names its algorithm, and a password
 * that a test has marked as one. What a test sends by gRPC needs no mark: its passwords, lease tokens and credentials are secrets by their
 * values, and its payloads, results, output and details must not be logged.
 */

/** Where something was found that must not be there. */
export interface Finding {
  /** `the log of node 127.0.0.1:7400`, `Redis: call:…` */
  readonly place: string;
  /** What it is, without its value where that is a secret. */
  readonly what: string;
}

/** What the passwords of tests have in them, where a process other than the test sends them. */
export const PASSWORD_MARK = "canary-password";

const TOKENS = /tg_(?:key|session)_[a-z0-9]{12}_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}/g;
const JWTS = /(eyJ[A-Za-z0-9_-]{8,})\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g;

/** What a value must have in it to be looked at closely. */
const SUSPICIOUS = ["tg_key_", "tg_session_", "eyJ", PASSWORD_MARK];

/** The most values that are looked for, of each kind, and the most text of logs that is kept for it, in characters. */
const MOST_SECRETS = 64;
const MOST_SPOKEN = 256;
const MOST_LOG_TEXT = 2_000_000;
/** Shorter texts stand in other words too, in characters; what is no single text is JSON of an object or a list. */
const SHORTEST_SECRET = 8;
const SHORTEST_TEXT = 16;
const SHORTEST_JSON = 8;

/** What a test has sent, by value. */
export interface SentValues {
  /** Passwords, lease tokens, credentials. */
  readonly secrets: ReadonlySet<string>;
  /** What callers and tools say to each other, as JSON. */
  readonly spoken: ReadonlySet<string>;
}

/** The secrets in a text, without their values. */
export function secretsIn(text: string, secrets: Iterable<string> = []): string[] {
  const found: string[] = [];
  for (const [token] of text.matchAll(TOKENS))
    if (readSecretToken(token) !== undefined) found.push(`a usable token, ${token.slice(0, 15)}…`);
  for (const [, header = ""] of text.matchAll(JWTS)) if (hasAlgorithm(header)) found.push("a JWT");
  if (text.includes(PASSWORD_MARK)) found.push("a password of a test");
  for (const secret of secrets) if (text.includes(secret)) found.push(`a secret that was sent, ${secret.slice(0, 3)}…`);
  return found;
}

function hasAlgorithm(header: string): boolean {
  try {
    return typeof JSON.parse(Buffer.from(header, "base64url").toString("utf8")).alg === "string";
  } catch {
    return false;
  }
}

/** Watches logs and looks through Redis for one test file. */
export class CanaryWatch {
  readonly #sent: () => SentValues;
  readonly #findings: Finding[] = [];
  readonly #logs: { readonly place: string; readonly text: string }[] = [];
  #logText = 0;

  /** @param sent what the test has sent up to the moment when it is asked for */
  constructor(sent: () => SentValues) {
    this.#sent = sent;
  }

  /** Takes each line of a log. @param spoken whether it must be without what callers and tools say, too */
  log(place: string, { spoken }: { readonly spoken: boolean }): (line: string) => void {
    return (line) => {
      for (const what of secretsIn(line)) this.#findings.push({ place, what });
      if (!spoken || this.#logText > MOST_LOG_TEXT) return;
      this.#logText += line.length;
      this.#logs.push({ place, text: line });
    };
  }

  /** Looks through all that a Redis holds, in one script. What is away or does not let us in is passed over. */
  async redis(place: string, client: Redis): Promise<void> {
    const { secrets } = this.#sent();
    const needles = [...SUSPICIOUS, ...bounded(secrets, SHORTEST_SECRET, MOST_SECRETS)];
    let answer: unknown;
    try {
      answer = await client.call("EVAL_RO", SEARCH, "0", ...needles);
    } catch (error) {
      if (isUnreachable(error)) return;
      throw error;
    }
    for (const [key = "", excerpt = ""] of answer as string[][]) // as the script answers
      for (const what of secretsIn(excerpt, secrets)) this.#findings.push({ place: `${place}: ${key}`, what });
  }

  /** What was found so far; in logs, also what was sent since. */
  findings(): readonly Finding[] {
    const { secrets, spoken } = this.#sent();
    const all = this.#logs.map(({ text }) => text).join("\n");
    const inLogs = (values: Iterable<string>, what: (value: string) => string): Finding[] =>
      [...values].flatMap((value) => {
        if (!all.includes(value)) return [];
        const { place = "", text = "" } = this.#logs.find((line) => line.text.includes(value)) ?? {};
        return [{ place, what: `${what(value)}, in ${text.slice(0, 300)}` }];
      });
    return [
      ...this.#findings,
      ...inLogs(
        bounded(secrets, SHORTEST_SECRET, MOST_SECRETS),
        (value) => `a secret that was sent, ${value.slice(0, 3)}…`,
      ),
      ...inLogs(spokenOf(spoken).flatMap(asLogged), (value) => `what was said, ${value}`),
    ];
  }
}

/** How a text stands in a line of JSON: as a value of its own, or within a text. */
function asLogged(text: string): string[] {
  const within = JSON.stringify(text).slice(1, -1);
  return within === text ? [text] : [text, within];
}

function spokenOf(values: Iterable<string>): string[] {
  const isTelling = (value: string): boolean => value.length >= (/^[[{]/.test(value) ? SHORTEST_JSON : SHORTEST_TEXT);
  return [...values].filter(isTelling).slice(0, MOST_SPOKEN);
}

function bounded(values: Iterable<string>, shortest: number, most: number): string[] {
  return [...values].filter((value) => value.length >= shortest).slice(0, most);
}

/** Whether a test has stopped a Redis, frozen it or closed it to us. */
export const isUnreachable = (error: unknown): boolean => UNREACHABLE.test(String(error));

const UNREACHABLE =
  /ECONNREFUSED|ECONNRESET|Connection is closed|max retries per request|timed out|NOAUTH|NOPERM|LOADING/;

/*
 * Looks through all keys, and the fields, members and values in them, within a bound.
 *
 * ARGV     what is looked for, a text each
 * Returns  a key, and what stands around the text that was found there, for each value that has one; at most 50
 */
const SEARCH = `
local MOST_KEYS, MOST_BYTES, AROUND = 20000, 16777216, 400
local found, keys, bytes, cursor = {}, 0, 0, '0'
local function gather(parts, value)
  if type(value) ~= 'table' then
    parts[#parts + 1] = tostring(value)
    return
  end
  for _, part in ipairs(value) do gather(parts, part) end
end
local function look(key, value)
  for _, needle in ipairs(ARGV) do
    local at = string.find(value, needle, 1, true)
    while at and #found < 50 do
      found[#found + 1] = { key, string.sub(value, math.max(1, at - 20), at + AROUND) }
      at = string.find(value, needle, at + AROUND, true)
    end
  end
end
-- What this server does not serve, as after a failover, has no text.
local READ = {
  string = function(key) return redis.pcall('GET', key) end,
  hash = function(key) return redis.pcall('HGETALL', key) end,
  set = function(key) return redis.pcall('SMEMBERS', key) end,
  zset = function(key) return redis.pcall('ZRANGE', key, 0, -1) end,
  list = function(key) return redis.pcall('LRANGE', key, 0, -1) end,
  stream = function(key) return redis.pcall('XRANGE', key, '-', '+', 'COUNT', 5000) end,
}
local function text_of(key)
  local parts, read = { key }, READ[redis.pcall('TYPE', key).ok]
  if read and bytes < MOST_BYTES then gather(parts, read(key)) end
  return table.concat(parts, '\\n')
end
repeat
  local page = redis.call('SCAN', cursor, 'COUNT', 500)
  local texts = {}
  cursor = page[1]
  for place, key in ipairs(page[2]) do
    texts[place] = text_of(key)
    bytes = bytes + #texts[place]
  end
  keys = keys + #texts
  -- One look at all of a page, since most have nothing.
  local all = table.concat(texts, '\\n')
  for _, needle in ipairs(ARGV) do
    if string.find(all, needle, 1, true) then
      for place, key in ipairs(page[2]) do look(key, texts[place]) end
      break
    end
  end
until cursor == '0' or keys >= MOST_KEYS or bytes >= MOST_BYTES
return found
`;
