import { Redis, type RedisOptions } from "ioredis";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Logger } from "../log/logger.js";
import { SilenceWatch } from "./silence-watch.js";
import { Subscriber } from "./subscriber.js";

/** The longest that one command may take before its outcome counts as unknown, in milliseconds. */
const COMMAND_TIMEOUT_MS = 2_000;
/** The longest that a first connection may take, in milliseconds. */
const CONNECT_TIMEOUT_MS = 3_000;

/**
 * Settings that every client of ours shares.
 *
 * A write whose reply was lost must not be sent again behind our back, and a call must fail at once while Redis is
 * away: so nothing is resent and nothing queued. Reconnecting goes on for ever, quickly.
 */
const FAIL_FAST = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: CONNECT_TIMEOUT_MS,
  // A half-open connection never answers our goodbye; the next one waits for that.
  disconnectTimeout: 100,
  retryStrategy: (times: number) => Math.min(50 * times, 500),
  // After a failover the old master answers READONLY: connect anew (1), but do not resend the command (2).
  reconnectOnError: (error: Error) => (error.message.startsWith("READONLY") ? 1 : false),
} satisfies RedisOptions;

/** A node's connections to Redis: one for commands, one for channels, one for the pinger's lock, one for commits. */
export interface RedisConnections {
  readonly command: Redis;
  readonly subscriber: Subscriber;
  readonly lock: Redis;
  /** For waiting on replicas; whoever does that connects it. */
  readonly commit: Redis;
  /** Whether commands can be sent just now. */
  ready(): boolean;
  /** @throws ToolgateError STORE_UNAVAILABLE when Redis cannot be reached. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface ConnectionSettings {
  readonly redisUrl: string;
  readonly lockTtlMs: number;
  /** How long a WAIT may block the commits' connection, in milliseconds. */
  readonly replicaTimeoutMs?: number;
  readonly log: Logger;
  /** Told when commands can be sent, and when they cannot any more. */
  readonly onReady: (ready: boolean) => void;
}

/** Prepares the connections of one node; `start` opens them. */
export function createConnections(settings: ConnectionSettings): RedisConnections {
  const { redisUrl, log } = settings;
  const command = new Redis(redisUrl, { ...FAIL_FAST, connectionName: "toolgate-command" });
  // The lock's client gives up long before the lock does: a frozen server must not hold up the election.
  const lock = new Redis(redisUrl, {
    ...FAIL_FAST,
    connectionName: "toolgate-lock",
    commandTimeout: Math.max(100, Math.floor(settings.lockTtlMs / 10)),
    // Its questions to the server fall under that timeout too; the lock does not need their answers.
    enableReadyCheck: false,
    disableClientInfo: true,
  });
  const channels = new Redis(redisUrl, { ...FAIL_FAST, connectionName: "toolgate-channels", autoResubscribe: false });
  const commit = new Redis(redisUrl, {
    ...FAIL_FAST,
    connectionName: "toolgate-commit",
    commandTimeout: COMMAND_TIMEOUT_MS + (settings.replicaTimeoutMs ?? 0),
  });
  const subscriber = new Subscriber(channels, log);
  const watches = [command, lock].map((client) => new SilenceWatch(client, log, () => performance.now()));

  let lastFault = "";
  for (const [name, client] of [
    ["command", command],
    ["lock", lock],
    ["channels", channels],
    ["commit", commit],
  ] as const) {
    client.on("error", (error: Error) => {
      // ioredis repeats the same fault at every attempt; one line tells it.
      const fault = `${name}: ${error.message}`;
      if (fault === lastFault) return;
      lastFault = fault;
      log.warn({ event: "redis_error", connection: name, message: error.message });
    });
  }
  command.on("ready", () => {
    lastFault = "";
    log.info({ event: "redis_ready" });
    settings.onReady(true);
  });
  command.on("close", () => settings.onReady(false));

  return {
    command,
    subscriber,
    lock,
    commit,
    ready: () => command.status === "ready",
    async start() {
      try {
        // Without the lock's connection this node is not elected, and works all the same; it goes on trying.
        lock.connect().catch(() => {});
        for (const watch of watches) watch.start();
        await Promise.all([command.connect(), subscriber.start()]);
      } catch (error) {
        // What connecting rejects with is only that the connection is closed; the fault before it says why.
        const cause =
          lastFault.slice(lastFault.indexOf(" ") + 1) || (error instanceof Error ? error.message : String(error));
        throw new ToolgateError(
          "STORE_UNAVAILABLE",
          `Redis at ${withoutSecrets(redisUrl)} cannot be reached (${cause}); start it, or set REDIS_URL`,
          { cause: error },
        );
      }
    },
    async stop() {
      for (const watch of watches) watch.stop();
      await subscriber.stop();
      for (const client of [command, lock, commit]) client.disconnect();
    },
  };
}

/** A Redis URL without its credentials, for messages. */
export function withoutSecrets(redisUrl: string): string {
  try {
    const url = new URL(redisUrl);
    return `${url.protocol}//${url.host}${url.pathname === "/" ? "" : url.pathname}`;
  } catch {
    return "the configured address";
  }
}
