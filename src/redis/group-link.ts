import slotOf from "cluster-key-slot";
import type { Redis } from "ioredis";
import type { HostAndPort } from "../config/redis-url.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { Logger } from "../observe/logger.js";
import { ConnectionWatchdog } from "./connection-watchdog.js";
import { CONNECT_TIMEOUT_MS } from "./fail-fast.js";
import { type MasterMap, toHostAndPort } from "./master-map.js";
import type { RedisClient, RedisLink } from "./redis-client.js";
import type { ScriptMeter } from "./script-meter.js";

export interface GroupLinkSettings {
  readonly map: MasterMap;
  /** A connection to a member; not connected yet. */
  readonly dial: (member: HostAndPort) => Redis;
  readonly log: Logger;
  readonly onReady?: (ready: boolean) => void;
}

/** How long a command waits for the connection to the master that Redis sent it to, in milliseconds. */
const REDIRECTED_WITHIN_MS = 80;

interface Master {
  readonly redis: Redis;
  readonly watchdog: ConnectionWatchdog;
}

/**
 * One connection to each master of a Redis Cluster, or to the master that Sentinels name, each as fail-fast as that to a
 * single Redis.
 *
 * A command goes to the master that serves its key's slot, and is sent a second time only where Redis said that another
 * one serves it (MOVED, ASK): then it did nothing. ioredis's own cluster client queues commands for masters that are away,
 * and does not say which commands were never sent. Its own way by Sentinels believes whichever of them answers first, cuts
 * a good connection when another one tells of the same failover later, and while it waits to try again hears nothing.
 * Hence this one: it is at the new master as soon as the map knows it.
 */
export class GroupLink implements RedisLink, RedisClient {
  onDenied?: (why: string) => void;
  meter?: ScriptMeter;
  readonly #settings: GroupLinkSettings;
  readonly #masters = new Map<string, Master>();
  #stopped = false;
  #reportedReady = false;

  constructor(settings: GroupLinkSettings) {
    this.#settings = settings;
    settings.map.onChange(() => this.#reconcileMasters());
  }

  get client(): RedisClient {
    return this;
  }

  get ready(): boolean {
    const { map } = this.#settings;
    return (
      map.masters.length > 0 && map.masters.every((address) => this.#masters.get(address)?.redis.status === "ready")
    );
  }

  /** As ioredis calls it. */
  get status(): string {
    return this.ready ? "ready" : "connecting";
  }

  masterOf(key: string): Redis {
    return this.#masterOfSlot(slotOf(key));
  }

  masters(): readonly Redis[] {
    return [...this.#masters.values()].map(({ redis }) => redis);
  }

  async start(): Promise<void> {
    this.#reconcileMasters();
    await Promise.all(this.masters().map((redis) => untilReady(redis, CONNECT_TIMEOUT_MS)));
    if (!this.ready) throw new Error("a master does not answer");
  }

  stop(): void {
    this.#stopped = true;
    for (const address of [...this.#masters.keys()]) this.#drop(address);
  }

  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown> {
    return this.#send(String(args[2]), (redis) => redis.callBuffer(command, args));
  }

  evalsha(sha: string, keyCount: number, ...args: (string | number)[]): Promise<unknown> {
    const flat = args.flat(); // Redlock gives one array, as ioredis takes it too
    return this.#send(String(flat[0]), (redis) => redis.evalsha(sha, keyCount, ...flat));
  }

  eval(lua: string, keyCount: number, ...args: (string | number)[]): Promise<unknown> {
    const flat = args.flat();
    return this.#send(String(flat[0]), (redis) => redis.eval(lua, keyCount, ...flat));
  }

  hscan(key: string, cursor: string, countToken: "COUNT", count: number): Promise<[cursor: string, items: string[]]> {
    return this.#send(key, (redis) => redis.hscan(key, cursor, countToken, count));
  }

  hlen(key: string): Promise<number> {
    return this.#send(key, (redis) => redis.hlen(key));
  }

  hget(key: string, field: string): Promise<string | null> {
    return this.#send(key, (redis) => redis.hget(key, field));
  }

  hmget(key: string, ...fields: string[]): Promise<(string | null)[]> {
    return this.#send(key, (redis) => redis.hmget(key, ...fields));
  }

  xrange(key: string, from: string, to: string, countToken: "COUNT", count: number) {
    return this.#send(key, (redis) => redis.xrange(key, from, to, countToken, count));
  }

  xrevrange(key: string, from: string, to: string, countToken: "COUNT", count: number) {
    return this.#send(key, (redis) => redis.xrevrange(key, from, to, countToken, count));
  }

  xinfo(subcommand: "STREAM", key: string): Promise<unknown> {
    return this.#send(key, (redis) => redis.xinfo(subcommand, key));
  }

  /** The clock of one master: each decides about its own shards by its own, and this is for display. */
  async time(): Promise<(string | number)[]> {
    const redis = this.masters().find(({ status }) => status === "ready");
    if (redis === undefined) throw unavailable("No master of Redis answers");
    return await redis.time();
  }

  async #send<T>(key: string, write: (redis: Redis) => Promise<T>): Promise<T> {
    const slot = slotOf(key);
    try {
      return await write(this.#masterOfSlot(slot));
    } catch (error) {
      const redirect = readRedirect(error);
      if (redirect === undefined) throw error;
      if (redirect.kind === "moved") this.#settings.map.moved(redirect.slot, redirect.address);
      const redis = this.#connection(redirect.address);
      await untilReady(redis, REDIRECTED_WITHIN_MS);
      if (redis.status !== "ready") throw error;
      // Both are written at once, so nothing comes between them; if this fails, so does what follows.
      if (redirect.kind === "ask") redis.asking().catch(() => {});
      return await write(redis);
    }
  }

  #masterOfSlot(slot: number): Redis {
    const address = this.#settings.map.ownerOf(slot);
    const master = address === undefined ? undefined : this.#masters.get(address);
    if (master === undefined) throw unavailable("The master of the key's slot is not known");
    return master.redis;
  }

  /** Connects to new masters, and leaves those that are none any more. */
  #reconcileMasters(): void {
    if (this.#stopped) return;
    const { masters } = this.#settings.map;
    for (const address of [...this.#masters.keys()]) if (!masters.includes(address)) this.#drop(address);
    for (const address of masters) this.#connection(address);
    this.#reportReady();
  }

  #connection(address: string): Redis {
    const known = this.#masters.get(address);
    if (known !== undefined) return known.redis;
    if (this.#stopped) throw unavailable("The node stops");
    const { dial, log } = this.#settings;
    const redis = dial(toHostAndPort(address));
    const watchdog = new ConnectionWatchdog(redis, log, () => performance.now());
    this.#masters.set(address, { redis, watchdog });
    redis.on("ready", () => this.#reportReady());
    redis.on("close", () => this.#reportReady());
    redis.connect().catch(() => {}); // it goes on trying
    watchdog.start();
    return redis;
  }

  #drop(address: string): void {
    const master = this.#masters.get(address);
    this.#masters.delete(address);
    master?.watchdog.stop();
    master?.redis.disconnect();
  }

  #reportReady(): void {
    const { ready } = this;
    if (!this.#stopped) this.#settings.map.setFastPolling(!ready);
    if (ready === this.#reportedReady) return;
    this.#reportedReady = ready;
    this.#settings.onReady?.(ready);
  }
}

/** Where Redis sends a command that it did not run. */
type Redirect =
  | { readonly kind: "moved"; readonly slot: number; readonly address: string }
  | { readonly kind: "ask"; readonly address: string };

function readRedirect(error: unknown): Redirect | undefined {
  if (!(error instanceof Error)) return undefined;
  const [, word, slot, address] = /^(MOVED|ASK) (\d+) (\S+:\d+)$/.exec(error.message) ?? [];
  // A master that does not know its own host names the port alone: the next view tells.
  if (address === undefined || address.startsWith(":")) return undefined;
  return word === "MOVED" ? { kind: "moved", slot: Number(slot), address } : { kind: "ask", address };
}

/** Resolves when a connection is ready, or the time is over. */
function untilReady(redis: Redis, withinMs: number): Promise<void> {
  if (redis.status === "ready") return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      redis.off("ready", end);
      resolve();
    };
    const timer = setTimeout(end, withinMs);
    redis.once("ready", end);
  });
}

function unavailable(cause: string): ToolgateError {
  return new ToolgateError("STORE_UNAVAILABLE", cause, { executed: "no", retryAfterMs: 1_000 });
}
