import type { RedisClient } from "../../src/redis/redis-client.js";
import { HEALTH_ENTRY_LUA } from "../../src/store/registry/health-entry.js";
import { PROVIDER_ENTRY_LUA } from "../../src/store/registry/provider-entry.js";

/** An epoch's health as the scripts hold it. Times are Unix milliseconds by Redis's clock. */
export interface StoredHealth {
  readonly state: string;
  readonly pong: number;
  readonly live: number;
  readonly room: number;
  /** `1` where `changes` said last that it is healthy. */
  readonly announced: string;
  /** What a later version has appended. */
  readonly more?: string;
}

/** A provider's entry as the scripts hold it. */
export interface StoredProvider {
  readonly incarnation: string;
  readonly token_hash: string;
  readonly room: number;
  readonly stage: string;
  readonly session: string;
  /** What a later version has appended. */
  readonly more?: string;
}

/* The scripts' own readers and writers do the work: no test spells what is stored. */

export async function readStoredHealth(redis: RedisClient, text: string | null): Promise<StoredHealth | undefined> {
  return await read<StoredHealth>(redis, HEALTH_ENTRY_LUA, "parse_health", text);
}

export async function storedHealth(redis: RedisClient, health: StoredHealth): Promise<string> {
  return await write(redis, HEALTH_ENTRY_LUA, "format_health", health);
}

export async function readStoredProvider(redis: RedisClient, text: string | null): Promise<StoredProvider | undefined> {
  return await read<StoredProvider>(redis, PROVIDER_ENTRY_LUA, "parse_provider", text);
}

export async function storedProvider(redis: RedisClient, provider: StoredProvider): Promise<string> {
  return await write(redis, PROVIDER_ENTRY_LUA, "format_provider", provider);
}

async function read<T>(redis: RedisClient, lua: string, reader: string, text: string | null): Promise<T | undefined> {
  if (text === null) return undefined;
  const json = await redis.eval(`${lua}return cjson.encode(${reader}(ARGV[1]) or cjson.null)`, 0, text);
  return (JSON.parse(String(json)) as T | null) ?? undefined; // as the reader makes it
}

async function write(redis: RedisClient, lua: string, writer: string, value: object): Promise<string> {
  return String(await redis.eval(`${lua}return ${writer}(cjson.decode(ARGV[1]))`, 0, JSON.stringify(value)));
}
