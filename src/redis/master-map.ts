import type { HostAndPort } from "../config/redis-url.js";

/** How often the masters are asked for: as a rule, and while one is away. In milliseconds. */
const ASK_EVERY_MS = 1_000;
const ASK_AGAIN_MS = 200;
/** How long an answer may take, in milliseconds. */
export const MAP_TIMEOUT_MS = 500;

/**
 * The masters of a Redis that is made of several servers. A master is named by its address, `host:port`.
 *
 * Polls the servers that know, one question at a time: often while something does not fit, else every second.
 */
export abstract class MasterMap {
  readonly #listeners = new Set<() => void>();
  #asking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastFault = "";
  #hurried = false;
  #stopped = false;

  /** Every master. */
  abstract readonly masters: readonly string[];
  /** The master that has a slot, as far as is known; where there is one at a time, it has all of them. */
  abstract ownerOf(slot: number): string | undefined;
  /** Asks every server that can be asked; resolves when those that answer in time have. Does not throw. */
  protected abstract ask(): Promise<void>;

  /** Calls the listener when another master has taken the place of one. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Asks for the first time, and goes on asking. @throws when no server answers */
  async start(): Promise<void> {
    this.#schedule();
    await this.refresh();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Asks now; resolves when those that answer in time have. */
  refresh(): Promise<void> {
    this.#asking ??= this.ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  /** Something does not fit: ask soon and often, until told that it fits again. */
  hurry(hurried: boolean): void {
    if (hurried === this.#hurried) return;
    this.#hurried = hurried;
    this.#schedule();
    if (hurried) void this.refresh();
  }

  /** A server has named the new master of a slot. */
  moved(_slot: number, _address: string): void {
    void this.refresh();
  }

  protected get stopped(): boolean {
    return this.#stopped;
  }

  /** Whether it has to ask often although no caller hurries it. */
  protected get uneasy(): boolean {
    return false;
  }

  protected changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Notes that a server did not answer. */
  protected notTold(error: unknown): void {
    this.#lastFault = error instanceof Error ? error.message : String(error);
  }

  /** The error for when no server answered, with the last fault. */
  protected nobodyTells(what: string): Error {
    return new Error(this.#lastFault === "" ? what : `${what}: ${this.#lastFault}`);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => void this.refresh().finally(() => this.#schedule()),
      this.#hurried || this.uneasy ? ASK_AGAIN_MS : ASK_EVERY_MS,
    );
    this.#timer.unref();
  }
}

/** `host:port` in two; IPv6 hosts have colons themselves. */
export function toHostAndPort(address: string): HostAndPort {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
