import type { HostAndPort } from "../config/redis-url.js";

/** Who the masters are of a Redis that is made of several servers. A master goes by its address, `host:port`. */
export interface MasterMap {
  /** Every master. */
  readonly masters: readonly string[];
  /** The master that has a slot, as far as is known; where there is one at a time, it has all of them. */
  ownerOf(slot: number): string | undefined;
  /** Calls the listener when another master has taken the place of one. */
  onChange(listener: () => void): void;
  /** Asks for the first time, and goes on asking. @throws when nobody tells */
  start(): Promise<void>;
  stop(): void;
  /** Asks now; resolves when whoever answers in time has. */
  refresh(): Promise<void>;
  /** Something does not fit: ask soon and often, until told that it fits again. */
  hurry(hurried: boolean): void;
  /** A server said who has a slot now. */
  moved(slot: number, address: string): void;
}

/** How often who knows is asked: as a rule, and while a master is away. In milliseconds. */
export const ASK_EVERY_MS = 1_000;
export const ASK_AGAIN_MS = 200;
/** How long an answer may take, in milliseconds. */
export const MAP_TIMEOUT_MS = 500;

/** `host:port` in two; IPv6 hosts have colons themselves. */
export function toHostAndPort(address: string): HostAndPort {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
