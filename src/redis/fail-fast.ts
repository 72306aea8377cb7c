import type { RedisOptions } from "ioredis";
import type { HostAndPort, RedisAddress, RedisLogin } from "../config/redis-url.js";

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
  retryStrategy: (times: number) => Math.min(50 * times, 500),
  // After a failover the old master answers READONLY: connect anew (1), but do not resend the command (2).
  reconnectOnError: (error: Error) => (error.message.startsWith("READONLY") ? 1 : false),
} satisfies ClientOptions;

/** How ioredis finds the master by its Sentinels. It asks them anew at each attempt to connect, and hears of a failover. */
export function sentinelOptions(address: RedisAddress & { kind: "sentinel" }): ClientOptions {
  const { sentinels, name, database, login, sentinelLogin, tls } = address;
  return {
    sentinels: sentinels.map(({ host, port }) => ({ host, port })),
    name,
    db: database,
    ...login,
    ...(sentinelLogin.username === undefined ? {} : { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password === undefined ? {} : { sentinelPassword: sentinelLogin.password }),
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
    sentinelCommandTimeout: 500,
    // When none of them answers: all are asked again.
    sentinelRetryStrategy: (times) => Math.min(100 * times, 1_000),
    // Each is listened to for word of a failover; this is how soon a lost one is dialled again.
    failoverDetector: true,
    sentinelReconnectStrategy: (times) => Math.min(1_000 * times, 5_000),
    // A server that calls itself a replica is not the master, whatever a Sentinel that is behind says.
    role: "master",
  };
}

/** One member of a Redis Cluster. */
export function memberOptions({ host, port }: HostAndPort, login: RedisLogin, tls: boolean): ClientOptions {
  return { host, port, ...login, ...(tls ? { tls: {} } : {}) };
}
