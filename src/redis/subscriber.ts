import type { Redis } from "ioredis";
import type { Logger } from "../log/logger.js";

export type ChannelListener = (message: Buffer) => void;

/** How often the connection is probed; a half-open socket is found within two of these. */
const PROBE_INTERVAL_MS = 2_000;

/**
 * One connection for all channels that a node listens to.
 *
 * Channels are only speed: what they announce is in Redis, and whoever listens looks there after `onGap`, because
 * messages may have been lost. The set of channels is kept here and subscribed anew on each connection; a silent
 * connection is probed, and replaced when it does not answer.
 */
export class Subscriber {
  readonly #redis: Redis;
  readonly #log: Logger;
  readonly #listeners = new Map<string, Set<ChannelListener>>();
  readonly #gapListeners = new Set<() => void>();
  #probe: NodeJS.Timeout | undefined;

  constructor(redis: Redis, log: Logger) {
    this.#redis = redis;
    this.#log = log;
    redis.on("messageBuffer", (channel: Buffer, message: Buffer) => {
      for (const listener of this.#listeners.get(channel.toString()) ?? []) listener(message);
    });
    redis.on("ready", () => void this.#resubscribe());
  }

  async start(): Promise<void> {
    await this.#redis.connect();
    this.#probe = setInterval(() => void this.#probeOnce(), PROBE_INTERVAL_MS);
    this.#probe.unref();
  }

  /**
   * Listens to a channel; resolves when Redis has confirmed it, or at once while Redis is away, when it is subscribed
   * with the next connection. The returned function stops listening.
   */
  async subscribe(channel: string, listener: ChannelListener): Promise<() => void> {
    let listeners = this.#listeners.get(channel);
    if (listeners === undefined) {
      listeners = new Set();
      this.#listeners.set(channel, listeners);
    }
    listeners.add(listener);
    if (listeners.size === 1) await this.#attempt(() => this.#redis.subscribe(channel));
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      void this.#attempt(() => this.#redis.unsubscribe(channel));
    };
  }

  /** Calls the listener after each time when messages may have been lost. */
  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  async stop(): Promise<void> {
    clearInterval(this.#probe);
    this.#listeners.clear();
    this.#gapListeners.clear();
    this.#redis.disconnect();
  }

  async #resubscribe(): Promise<void> {
    const channels = [...this.#listeners.keys()];
    if (channels.length > 0) await this.#attempt(() => this.#redis.subscribe(...channels));
    for (const listener of this.#gapListeners) listener();
  }

  /** A failure here needs no answer: the connection closes, and the next one subscribes to everything again. */
  async #attempt(command: () => Promise<unknown>): Promise<void> {
    try {
      await command();
    } catch (error) {
      this.#log.debug({
        event: "channel_command_failed",
        message: error instanceof Error ? error.message : String(error),
      });
      if (this.#redis.status === "ready") this.#redis.disconnect(true);
    }
  }

  async #probeOnce(): Promise<void> {
    if (this.#redis.status !== "ready") return;
    await this.#attempt(() => this.#redis.ping()); // bounded by the client's command timeout
  }
}
