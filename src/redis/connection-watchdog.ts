import type { Redis } from "ioredis";
import type { Logger } from "../observe/logger.js";
import { reconnect } from "./reconnect.js";

/** How often a connection is pinged, in milliseconds. */
const PING_INTERVAL_MS = 1_000;
/** A connection that was pinged and carried nothing at all for so long is replaced, in milliseconds. */
const SILENCE_LIMIT_MS = 2_000;

/**
 * Replaces a half-open connection: one that is open and silent.
 *
 * A half-open socket, as a middlebox that dropped its state or a vanished host leaves behind, takes commands and answers none for as
 * long as TCP hopes, which is a quarter of an hour. A command's time-out does not end it. So each connection is pinged,
 * and whatever comes over it counts as an answer: a server that is merely slow with one command is left alone.
 */
export class ConnectionWatchdog {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #monotonicMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #lastActivity: { readonly stream: unknown; readonly bytes: number; readonly askedAtMs: number } | undefined;

  constructor(redis: Redis, log: Logger, monotonicMs: () => number) {
    this.#redis = redis;
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#check(), PING_INTERVAL_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #check(): void {
    const redis = this.#redis;
    if (redis.status !== "ready") {
      this.#lastActivity = undefined;
      return;
    }
    const { stream } = redis;
    const nowMs = this.#monotonicMs();
    const before = this.#lastActivity;
    if (before === undefined || before.stream !== stream || before.bytes !== stream.bytesRead) {
      this.#lastActivity = { stream, bytes: stream.bytesRead, askedAtMs: nowMs };
    } else if (nowMs - before.askedAtMs >= SILENCE_LIMIT_MS) {
      this.#lastActivity = undefined;
      this.#log.warn({ event: "redis_silent", connection: redis.options.connectionName, message: "reconnecting" });
      reconnect(redis);
      return;
    }
    redis.ping().catch(() => {}); // what it answers, and when, is seen above
  }
}
