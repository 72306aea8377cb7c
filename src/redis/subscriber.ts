import slotOf from "cluster-key-slot";
import type { Redis } from "ioredis";
import { readDenial } from "../errors/redis-denial.js";
import type { Logger } from "../observe/logger.js";
import { reconnect } from "./reconnect.js";
import { connectInTime } from "./single-link.js";

export type ChannelListener = (message: Buffer) => void;

/** Which server carries which channel, and connections to them. */
export interface ChannelRoutes {
  /** The servers that carry channels now, by name. */
  routes(): readonly string[];
  /** The server that carries a channel; undefined while that is not known. */
  routeOf(channel: string): string | undefined;
  /** A connection of its own to a server; not connected yet. */
  dial(route: string): Redis;
  /** Calls the listener when any of this has changed. */
  onChange(listener: () => void): void;
  /** Tells that a server does not carry a channel that it should: finds out which one does. */
  refreshRoutes(): void;
}

/** A connection to one server, and what it has been asked to listen to. */
interface ChannelConnection {
  readonly redis: Redis;
  readonly channels: Set<string>;
}

/** How often the connections are probed; a half-open socket is found within two of these. */
const PROBE_INTERVAL_MS = 2_000;
/** The most channels that one command names. */
const CHANNELS_PER_COMMAND = 1_000;

/**
 * The channels that a node listens to, over one connection, or one per master of a Redis Cluster.
 *
 * All channels are sharded ones (SPUBLISH, SSUBSCRIBE): on a Cluster a message goes to the slot's master alone, and on a
 * single server they are like any others. Channels are only speed: what they announce is in Redis, and the listener
 * looks there after `onGap`, because messages may have been lost. The set of channels is kept here; whatever is not
 * subscribed where it should be, because a connection was replaced or a slot has moved, is subscribed there.
 */
export class Subscriber {
  readonly #routes: ChannelRoutes;
  readonly #log: Logger;
  readonly #listeners = new Map<string, Set<ChannelListener>>();
  readonly #gapListeners = new Set<() => void>();
  readonly #connections = new Map<string, ChannelConnection>();
  #probe: NodeJS.Timeout | undefined;
  #state: "idle" | "running" | "stopped" = "idle";

  constructor(routes: ChannelRoutes, log: Logger) {
    this.#routes = routes;
    this.#log = log;
    routes.onChange(() => {
      if (this.#state === "running") this.#reconcile();
    });
  }

  async start(): Promise<void> {
    this.#state = "running";
    await Promise.all(this.#routes.routes().map((route) => this.#open(route)));
    this.#probe = setInterval(() => this.#probeAll(), PROBE_INTERVAL_MS);
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
    if (listeners.size === 1) await this.#subscribeMissing([channel]);
    return () => {
      if (!listeners.delete(listener) || listeners.size > 0 || this.#listeners.get(channel) !== listeners) return;
      this.#listeners.delete(channel);
      for (const connection of this.#connections.values()) {
        if (connection.channels.delete(channel))
          void this.#attempt(connection, () => connection.redis.sunsubscribe(channel));
      }
    };
  }

  /** Calls the listener after each time when messages may have been lost. */
  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  async stop(): Promise<void> {
    this.#state = "stopped";
    clearInterval(this.#probe);
    this.#listeners.clear();
    this.#gapListeners.clear();
    for (const route of [...this.#connections.keys()]) this.#close(route);
  }

  async #open(route: string): Promise<void> {
    const redis = this.#routes.dial(route);
    const connection: ChannelConnection = { redis, channels: new Set() };
    this.#connections.set(route, connection);
    redis.on("smessageBuffer", (channel: Buffer, message: Buffer) => {
      for (const listener of this.#listeners.get(channel.toString()) ?? []) listener(message);
    });
    redis.on("ready", () => {
      connection.channels.clear();
      void this.#recover();
    });
    // The server has let go of channels, because another one carries them now.
    redis.on("moved", () => {
      connection.channels.clear();
      this.#routes.refreshRoutes();
    });
    await connectInTime(redis);
  }

  #close(route: string): void {
    const connection = this.#connections.get(route);
    this.#connections.delete(route);
    connection?.redis.disconnect();
  }

  /** Slots have got other masters. */
  #reconcile(): void {
    const routes = this.#routes.routes();
    for (const route of [...this.#connections.keys()]) if (!routes.includes(route)) this.#close(route);
    for (const route of routes) {
      if (!this.#connections.has(route)) this.#open(route).catch(() => {}); // it goes on trying
    }
    void this.#recover();
  }

  /** Subscribes wherever something is missing; then messages may have been lost. */
  async #recover(): Promise<void> {
    await this.#subscribeMissing(this.#listeners.keys());
    for (const listener of this.#gapListeners) listener();
  }

  /** Subscribes to those channels that are not subscribed where they should be. Resolves to whether there were any. */
  async #subscribeMissing(channels: Iterable<string>): Promise<boolean> {
    const missing = new Map<ChannelConnection, Map<number, string[]>>();
    for (const channel of channels) {
      const route = this.#routes.routeOf(channel);
      const connection = route === undefined ? undefined : this.#connections.get(route);
      if (connection === undefined || connection.channels.has(channel) || connection.redis.status !== "ready") continue;
      const slot = slotOf(channel);
      const bySlot = missing.get(connection) ?? new Map<number, string[]>();
      const own = bySlot.get(slot) ?? [];
      own.push(channel);
      missing.set(connection, bySlot.set(slot, own));
      connection.channels.add(channel);
    }
    const attempts = [...missing].flatMap(([connection, bySlot]) =>
      [...bySlot.values()].flatMap((own) =>
        chunks(own).map((some) => this.#attempt(connection, () => connection.redis.ssubscribe(...some))),
      ),
    );
    await Promise.all(attempts);
    return attempts.length > 0;
  }

  /** A failure here needs no answer: the next connection, or the next probe, subscribes to what is missing. */
  async #attempt(connection: ChannelConnection, command: () => Promise<unknown>): Promise<void> {
    const { redis } = connection;
    try {
      await command();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.#log.debug({ event: "channel_command_failed", message });
      connection.channels.clear();
      if (/^(MOVED|CLUSTERDOWN) /.test(message)) this.#routes.refreshRoutes();
      // Another connection would be denied it too; the next probe tries again.
      else if (readDenial(message) === undefined) reconnect(redis);
    }
  }

  #probeAll(): void {
    for (const connection of this.#connections.values()) {
      // Bounded by the client's command time-out.
      if (connection.redis.status === "ready") void this.#attempt(connection, () => connection.redis.ping());
    }
    void this.#subscribeMissing(this.#listeners.keys()).then((found) => {
      if (found) for (const listener of this.#gapListeners) listener();
    });
  }
}

function chunks(channels: readonly string[]): readonly (readonly string[])[] {
  const made: string[][] = [];
  for (let from = 0; from < channels.length; from += CHANNELS_PER_COMMAND) {
    made.push(channels.slice(from, from + CHANNELS_PER_COMMAND));
  }
  return made;
}
