import type { Redis } from "ioredis";
import type { Logger } from "../observe/logger.js";
import { connectAnew } from "./connect-anew.js";

/** How often a connection is made to say something, in milliseconds. */
const ASK_EVERY_MS = 1_000;
/** A connection that was asked and said nothing at all for so long is given up, in milliseconds. */
const SILENT_FOR_MS = 2_000;

/**
 * Replaces a connection that is open and silent.
 *
 * A half-open socket, as a middlebox that forgot it or a vanished host leaves behind, takes commands and answers none for as
 * long as TCP hopes, which is a quarter of an hour. A command's time-out does not end it. So each connection is asked for a
 * sign of life, and whatever comes over it counts as one: a server that is merely slow with one command is left alone.
 */
export class SilenceWatch {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #monotonicMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  #heard: { readonly stream: unknown; readonly bytes: number; readonly askedAtMs: number } | undefined;

  constructor(redis: Redis, log: Logger, monotonicMs: () => number) {
    this.#redis = redis;
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  start(): void {
    this.#timer = setInterval(() => this.#look(), ASK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const redis = this.#redis;
    if (redis.status !== "ready") {
      this.#heard = undefined;
      return;
    }
    const { stream } = redis;
    const nowMs = this.#monotonicMs();
    const before = this.#heard;
    if (before === undefined || before.stream !== stream || before.bytes !== stream.bytesRead) {
      this.#heard = { stream, bytes: stream.bytesRead, askedAtMs: nowMs };
    } else if (nowMs - before.askedAtMs >= SILENT_FOR_MS) {
      this.#heard = undefined;
      this.#log.warn({ event: "redis_silent", connection: redis.options.connectionName, message: "connecting anew" });
      connectAnew(redis);
      return;
    }
    redis.ping().catch(() => {}); // what it answers, and when, is seen above
  }
}
