import { SecretValues } from "./secret-values.js";

/**
 * Makes what a line is about fit to be written: plain, bounded in depth, width and length, and without what must not be
 * in a log. Redaction is by the name of a field, at any depth, and by form for credentials within URLs; a test plants
 * canaries in every such place.
 */

const MAX_DEPTH = 5;
const MAX_ENTRIES = 32;
const MAX_VALUES = 256;
const MAX_TEXT = 2_048;
const MAX_FRAMES = 12;
const HIDDEN = "[hidden]";

/**
 * Names of fields that hold what callers and tools said to each other, or what proves an identity; compared in lower
 * case and without separators, so that `lease_token` and `leaseToken` are one.
 */
export const HIDDEN_FIELDS: ReadonlySet<string> = new Set([
  "payload",
  "payloadjson",
  "input",
  "arguments",
  "args",
  "result",
  "resultjson",
  "output",
  "data",
  "datajson",
  "details",
  "detailsjson",
  "delta",
  "leasetoken",
  "token",
  "secret",
  "password",
  "passphrase",
  "authorization",
  "cookie",
  "credentials",
  "redisurl",
  "tlskey",
  "privatekey",
]);

/** The user and password of a URL: what comes before the last @ of its authority. */
const URL_CREDENTIALS = /(:\/\/)[^\s/?#]*@/g;
/** An authority that a cut left without its end, which may be a password's beginning. */
const OPEN_AUTHORITY = /(:\/\/)[^\s/?#]*$/;

/** pino writes these itself; a second one would make the line ambiguous. */
const RESERVED = new Set(["level", "time", "pid", "hostname"]);

/** What is left of one line's bounds, and what must not stand in it. */
interface Budget {
  values: number;
  readonly secrets: SecretValues;
}

const NO_VALUES = new SecretValues();

/**
 * The fields of a line, ready to be written. Never throws, whatever it is given.
 *
 * @param secrets that are hidden by value; by form, all are.
 */
export function loggable(fields: object, secrets: SecretValues = NO_VALUES): Record<string, unknown> {
  const budget: Budget = { values: MAX_VALUES, secrets };
  const plain: Record<string, unknown> = {};
  for (const [key, value] of entriesOf(fields)) {
    plain[RESERVED.has(key) ? `${key}_` : key] = HIDDEN_FIELDS.has(normal(key)) ? HIDDEN : reduce(value, 1, budget);
  }
  return plain;
}

function reduce(value: unknown, depth: number, budget: Budget): unknown {
  if (budget.values-- <= 0) return "[…]";
  switch (typeof value) {
    case "string":
      return textOf(value, budget.secrets);
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
    case "undefined":
      return value;
    case "bigint":
      return String(value);
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : reduceObject(value, depth, budget);
    default:
      return "[unknown]"; // no such type exists
  }
}

/** A text without secrets: those that are known by value, credentials by their form, and users and passwords of URLs. */
export function withoutSecrets(text: string, secrets: SecretValues): string {
  return secrets.redact(text.replace(URL_CREDENTIALS, "$1"));
}

/**
 * A text within its bound, first cut and then searched: a search over anything would take its time. Secrets are looked for a little beyond
 * the cut, so that none is left in part.
 */
function textOf(text: string, secrets: SecretValues): string {
  if (text.length <= MAX_TEXT) return withoutSecrets(text, secrets);
  const seen = text.slice(0, MAX_TEXT + SecretValues.longest);
  const plain = withoutSecrets(seen.replace(OPEN_AUTHORITY, "$1"), secrets);
  const kept = plain.slice(0, MAX_TEXT).replace(OPEN_AUTHORITY, "$1");
  return `${kept}… [${text.length} characters]`;
}

function reduceObject(value: object, depth: number, budget: Budget): unknown {
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return reduceError(value, depth, budget);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[no date]" : value.toISOString();
  if (value instanceof URL) return reduce(value.href, depth, budget);
  if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[array]" : "[object]";
  if (value instanceof Map || value instanceof Set) return `[${value.size} entries]`;
  if (Array.isArray(value)) {
    const kept = value.slice(0, MAX_ENTRIES).map((entry: unknown) => reduce(entry, depth + 1, budget));
    return value.length > MAX_ENTRIES ? [...kept, `[${value.length - MAX_ENTRIES} more]`] : kept;
  }
  const plain: Record<string, unknown> = {};
  for (const [key, entry] of entriesOf(value)) {
    plain[key] = HIDDEN_FIELDS.has(normal(key)) ? HIDDEN : reduce(entry, depth + 1, budget);
  }
  return plain;
}

/**
 * An error by a fixed list of its properties: libraries hang anything on theirs, such as the arguments of the command
 * that failed, which are payloads.
 */
function reduceError(error: Error, depth: number, budget: Budget): unknown {
  const { code, reason, executed } = error as { code?: unknown; reason?: unknown; executed?: unknown }; // absent on most
  const plain: Record<string, unknown> = {
    name: String(error.name).slice(0, 128),
    // What JSON.parse says quotes what it was given.
    message: error instanceof SyntaxError ? HIDDEN : textOf(String(error.message), budget.secrets),
  };
  for (const [key, value] of Object.entries({ code, reason, executed })) {
    if (typeof value === "string" || typeof value === "number") plain[key] = reduce(value, depth + 1, budget);
  }
  if (typeof error.stack === "string") plain.stack = framesOf(error.stack);
  if (error.cause !== undefined) {
    plain.cause = depth >= MAX_DEPTH ? "[more]" : reduce(error.cause, depth + 1, budget);
  }
  return plain;
}

/** An object's own entries, up to a limit; getters that throw are passed over. */
function entriesOf(value: object): [string, unknown][] {
  const entries: [string, unknown][] = [];
  for (const key of Object.keys(value)) {
    if (entries.length === MAX_ENTRIES) {
      entries.push(["…", "[more]"]);
      break;
    }
    try {
      entries.push([key.slice(0, 128), (value as Record<string, unknown>)[key]]); // its own key
    } catch {
      entries.push([key.slice(0, 128), "[unreadable]"]);
    }
  }
  return entries;
}

function normal(key: string): string {
  return key.toLowerCase().replace(/[_-]/g, "");
}

/** Where an error came from: the frames of its stack, without the message that V8 repeats above them. */
function framesOf(stack: string): string[] {
  return stack
    .split("\n", 64)
    .filter((line) => /^ {4}at /.test(line))
    .slice(0, MAX_FRAMES)
    .map((line) => line.slice(7, 256));
}
