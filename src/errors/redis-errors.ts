import { ERROR_CODES, type Executed } from "./codes.js";
import { describeDenial, readDenial } from "./redis-denial.js";
import { ToolgateError } from "./toolgate-error.js";

/**
 * The one way in for the errors of ioredis, of Redis and of the sockets to it.
 *
 * What matters to a caller is not what broke but whether the command can have been applied. ioredis does not say, so the
 * texts of version 6 are read here: a refusal before the write, or a refusal by Redis, is a definite "no"; a connection
 * that went while commands were out, or a command timeout, is "unknown", for the command may have been applied after all.
 */

/** How long a caller should leave Redis alone: about what a reconnection or a failover step takes. */
const RETRY_AFTER_MS = 1_000;

interface Classification {
  readonly cause: string;
  readonly executed: Executed;
}

/**
 * Replies of Redis that mean "not now", by their first word. Each is given before a command or a script has changed
 * anything: Redis refuses a script at its first write, never after one.
 */
const REPLIES: Readonly<Record<string, string>> = {
  LOADING: "Redis is loading its data set",
  READONLY: "Redis is a read-only replica, as after a failover",
  OOM: "Redis is at its memory limit",
  MISCONF: "Redis cannot save to its disk, and so refuses writes",
  NOREPLICAS: "Redis has too few replicas, and so refuses writes",
  MASTERDOWN: "Redis is a replica that has lost its primary",
  CLUSTERDOWN: "The Redis Cluster does not cover every slot",
  TRYAGAIN: "The Redis Cluster is moving the slot",
  MOVED: "The Redis Cluster has moved the slot, or REDIS_URL names one node of a cluster",
  ASK: "The Redis Cluster is moving the slot",
  BUSY: "Redis is busy with a script",
  NOAUTH: "Redis wants a password",
  WRONGPASS: "Redis refuses the password",
};

/** Socket and name errors that come before a connection stands. */
const BEFORE_CONNECTING = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "ENOENT",
  "EACCES",
]);

/** Socket errors of a connection that stood. */
const WHILE_CONNECTED = new Set(["ECONNRESET", "EPIPE", "ETIMEDOUT", "ECONNABORTED", "ERR_STREAM_DESTROYED"]);

/** What ioredis says when it did not write the command. */
const NOT_WRITTEN: readonly RegExp[] = [
  /^Stream isn't writeable and enableOfflineQueue options is false/,
  /^connect ETIMEDOUT/,
];

/** What ioredis says when the command had been written, or may have been. */
const MAYBE_WRITTEN: readonly RegExp[] = [
  /^Command timed out/,
  /^Command aborted due to connection close/,
  /^Connection is closed/,
  /^Reached the max retries per request limit/,
  /^Socket timeout/,
];

/**
 * Any error that came out of a Redis client, as a ToolgateError: STORE_UNAVAILABLE when Redis cannot be reached or will
 * not serve now, INTERNAL when the fault is in what was asked of it. A ToolgateError passes unchanged.
 *
 * @param facts.executed what the caller knows better: a read can say "no", for it has no effect.
 * @param facts.command the command that was denied, where the caller knows it.
 */
export function fromRedisError(
  error: unknown,
  facts: { readonly executed?: Executed; readonly command?: string } = {},
): ToolgateError {
  if (error instanceof ToolgateError) return error;
  const classification = classify(error, facts.command);
  if (classification === undefined) {
    return new ToolgateError("INTERNAL", "Redis refused a command of the node.", {
      executed: facts.executed ?? "unknown",
      cause: error,
    });
  }
  return new ToolgateError("STORE_UNAVAILABLE", `${classification.cause}. ${ERROR_CODES.STORE_UNAVAILABLE.remedy}`, {
    executed: facts.executed ?? classification.executed,
    retryAfterMs: RETRY_AFTER_MS,
    cause: error,
  });
}

/** Whether an error of a Redis client says that Redis is away or unwilling, and not that the command was wrong. */
export function isRedisUnavailable(error: unknown): boolean {
  if (error instanceof ToolgateError) return error.reason === "STORE_UNAVAILABLE";
  return classify(error) !== undefined;
}

function classify(error: unknown, command?: string): Classification | undefined {
  if (!(error instanceof Error)) return undefined;
  const { message } = error;
  if (error.name === "ReplyError") {
    const denial = readDenial(message);
    if (denial !== undefined) {
      const cause = describeDenial({ ...denial, command: denial.command ?? command });
      return { cause, executed: denial.definite ? "no" : "unknown" };
    }
    const word = /^[A-Z]+/.exec(message)?.[0] ?? "";
    const cause = Object.hasOwn(REPLIES, word) ? REPLIES[word] : undefined;
    if (cause !== undefined) return { cause: `${cause} (${word})`, executed: "no" };
    if (/^ERR max number of clients reached/.test(message)) {
      return { cause: "Redis has as many clients as it may", executed: "no" };
    }
    return undefined;
  }
  if (NOT_WRITTEN.some((text) => text.test(message))) return { cause: "Redis cannot be reached", executed: "no" };
  if (/^Command timed out/.test(message)) return { cause: "Redis did not answer in time", executed: "unknown" };
  if (MAYBE_WRITTEN.some((text) => text.test(message))) {
    return { cause: "The connection to Redis broke before the answer", executed: "unknown" };
  }
  const { code, syscall } = error as NodeJS.ErrnoException; // both absent, and so undefined, on any other error
  if (typeof code !== "string") return undefined;
  if (BEFORE_CONNECTING.has(code) || (WHILE_CONNECTED.has(code) && syscall === "connect")) {
    return { cause: `Redis cannot be reached (${code})`, executed: "no" };
  }
  if (WHILE_CONNECTED.has(code)) {
    return { cause: `The connection to Redis broke before the answer (${code})`, executed: "unknown" };
  }
  if (isTlsFault(code)) return { cause: `No TLS connection to Redis can be made (${code})`, executed: "no" };
  return undefined;
}

/** OpenSSL's verification results and Node's own TLS errors; see https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
function isTlsFault(code: string): boolean {
  return /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH_)/.test(
    code,
  );
}
