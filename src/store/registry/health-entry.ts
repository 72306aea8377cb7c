import { readLua } from "../../redis/lua-file.js";
/** What Redis says about an epoch's providers; all times are Unix milliseconds by Redis's clock. */
export interface EpochHealth {
  /** 0 when there was no pong yet. */
  readonly lastPongMs: number;
  /** When the last lease of a provider that is not draining ends; 0 when there is none. */
  readonly liveUntilMs: number;
  /** The sum of the live providers' `max_in_flight`, as far as they answer pings. */
  readonly room: number;
}

export const NO_HEALTH: EpochHealth = { lastPongMs: 0, liveUntilMs: 0, room: 0 };

/**
 * Lua that reads and writes an epoch's health, a field of `health`: "1 <state> <pong> <live until> <room> <announced>". The first word
 * is the number of the format; what a later version appends is kept. `announced` is what `changes` said last, so that a
 * transition is said once, by the script that notices it first.
 */
export const HEALTH_ENTRY_LUA = readLua(import.meta.url, "health-entry.lua");

const ENTRY = /^1 [a-z][\w-]* (\d+) (\d+) (\d+) \d(?: |$)/;

/** Reads an epoch's health; what is missing or malformed counts as never ponged. */
export function readHealth(text: string | null | undefined): EpochHealth {
  const [, lastPong, liveUntil, room] = ENTRY.exec(text ?? "") ?? [];
  if (lastPong === undefined) return NO_HEALTH;
  return { lastPongMs: Number(lastPong), liveUntilMs: Number(liveUntil), room: Number(room) };
}
