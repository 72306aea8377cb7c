import type { HostAndPort } from "../config/redis-url.js";

/** How often the masters are looked up: as a rule, and while one is away. In milliseconds. */
const POLL_INTERVAL_MS = 1_000;
const FAST_POLL_INTERVAL_MS = 200;
/** How long an answer may take, in milliseconds. */
export const MAP_TIMEOUT_MS = 500;

/**
 * The masters of a Redis that is made of several servers. A master is named by its address, `host:port`.
 *
 * Polls the servers that know, one question at a time: often while something does not fit, else every second.
 */
export abstract class MasterMap {
  readonly #listeners = new Set<() => void>();
  #discovering: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastFailure = "";
  #fastPolling = false;
  #stopped = false;

  /** Every master. */
  abstract readonly masters: readonly string[];
  /** The master that has a slot, as far as is known; where there is one at a time, it has all of them. */
  abstract ownerOf(slot: number): string | undefined;
  /** Queries every server that can be reached; resolves when those that answer in time have. Does not throw. */
  protected abstract discover(): Promise<void>;

  /** Calls the listener when another master has taken the place of one. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Discovers the masters, and goes on polling. @throws when no server answers */
  async start(): Promise<void> {
    this.#schedule();
    await this.refresh();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Polls now; resolves when the servers that answer in time have. Concurrent calls share one poll. */
  refresh(): Promise<void> {
    this.#discovering ??= this.discover().finally(() => {
      this.#discovering = undefined;
    });
    return this.#discovering;
  }

  /** Polls at the short interval, from now on, or at the usual one again. For callers that meet a master that is away. */
  setFastPolling(fast: boolean): void {
    if (fast === this.#fastPolling) return;
    this.#fastPolling = fast;
    this.#schedule();
    if (fast) void this.refresh();
  }

  /** A server has named the new master of a slot. */
  moved(_slot: number, _address: string): void {
    void this.refresh();
  }

  protected get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether the short interval is needed although no caller has set it. */
  protected get needsFastPolling(): boolean {
    return false;
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Remembers why a server did not answer. */
  protected recordFailure(error: unknown): void {
    this.#lastFailure = error instanceof Error ? error.message : String(error);
  }

  /** The error for when no server answered, with the last failure. */
  protected discoveryError(what: string): Error {
    return new Error(this.#lastFailure === "" ? what : `${what}: ${this.#lastFailure}`);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => void this.refresh().finally(() => this.#schedule()),
      this.#fastPolling || this.needsFastPolling ? FAST_POLL_INTERVAL_MS : POLL_INTERVAL_MS,
    );
    this.#timer.unref();
  }
}

/** `host:port` in two; IPv6 hosts have colons themselves. */
export function toHostAndPort(address: string): HostAndPort {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
