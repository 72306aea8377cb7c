import type { RedisOptions } from "ioredis";
import type { HostAndPort, RedisLogin } from "../config/redis-url.js";

/** As ioredis takes them; the shape of replies is the same everywhere. */
export type ClientOptions = Omit<RedisOptions, "replyMapping" | "connectionName">;

/** The longest that one command may take before its outcome counts as unknown, in milliseconds. */
export const COMMAND_TIMEOUT_MS = 2_000;
/** The longest that a connection may take to stand, in milliseconds. */
export const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Settings that every client of ours shares.
 *
 * A write whose reply was lost must not be sent again behind our back, and a call must fail at once while Redis is
 * away: so nothing is resent and nothing queued. Reconnecting goes on for ever, quickly.
 */
export const FAIL_FAST = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  autoResubscribe: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  // A half-open connection never answers our goodbye; the next one waits for that.
  disconnectTimeout: 100,
  // While Redis reads its file ioredis would ask again after the time that Redis expects to need, or after ten seconds; a first
  // guess, after a fraction of a second, is often many times too long.
  maxLoadingRetryTime: 100,
  retryStrategy: (times: number) => Math.min(50 * times, 500),
  // After a failover the old master answers READONLY: connect anew (1), but do not resend the command (2).
  reconnectOnError: (error: Error) => (error.message.startsWith("READONLY") ? 1 : false),
} satisfies ClientOptions;

/** One server of a group: a Redis, or a Sentinel. */
export function memberOptions({ host, port }: HostAndPort, login: RedisLogin, tls: boolean): ClientOptions {
  return { host, port, ...login, ...(tls ? { tls: {} } : {}) };
}
