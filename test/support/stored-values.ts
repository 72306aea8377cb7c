import type { CallId } from "../../src/identity/call-id.js";
import type { ShardKeys } from "../../src/redis/keys.js";
import type { RedisClient } from "../../src/redis/redis-client.js";
import { RECORD_LUA } from "../../src/store/calls/record-lua.js";
import { GONE_MARK_LUA } from "../../src/store/registry/gone-mark.js";
import { HEALTH_ENTRY_LUA } from "../../src/store/registry/health-entry.js";
import { PROVIDER_ENTRY_LUA } from "../../src/store/registry/provider-entry.js";
import type { EpochRecord, ToolsetRecord } from "../../src/store/registry/toolset-record.js";

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

/** The mark of a toolset that is gone. */
export interface StoredGone {
  /** In Unix milliseconds by Redis's clock. */
  readonly since: number;
  /** Its last epoch. */
  readonly last: string;
}

/** A call as the scripts read it from its record. */
export interface StoredCall {
  readonly head: string;
  /** When it was claimed first, in Unix milliseconds by Redis's clock; 0 when it never was. */
  readonly claimed: number;
  /** Where it stands, while it lives. */
  readonly state?: string;
  /** What a later version has appended to where it stands. */
  readonly more?: string;
  /** How it ended: a line, then the body. */
  readonly terminal?: string;
}

/** Members as a test says them, also such as no version would write. */
type Said<T> = { readonly [Name in keyof T]?: unknown };

/** What a test does not say of an epoch. */
const EPOCH = {
  version: "1.0.0",
  state: "active",
  registeredAtMs: 1_000,
  activateAt: 0.5,
  maxBacklog: 10_000,
  retentionMs: 86_400_000,
  retireAfterMs: 600_000,
  retireAtMs: 0,
} as const satisfies Omit<EpochRecord, "epoch" | "digest">;

/** A toolset's record, as JSON. @param more what else is said in it, or in place of what else stands there. */
export function storedToolset(
  name: string,
  epochs: readonly Said<EpochRecord>[],
  more: Said<ToolsetRecord> & Readonly<Record<string, unknown>> = {},
): string {
  const record: Said<ToolsetRecord> = { name, owner: "default/anonymous", generation: 1 };
  return JSON.stringify({ format: 1, ...record, epochs: epochs.map((said) => ({ ...EPOCH, ...said })), ...more });
}

/* Of all else the scripts' own readers and writers do the work: no test spells what is stored. */

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

export async function storedGone(redis: RedisClient, gone: StoredGone): Promise<string> {
  return await write(redis, GONE_MARK_LUA, "format_gone", gone);
}

/** What a call's record says; it is not damaged, or the reader sets it aside. */
export async function readStoredCall(redis: RedisClient, keys: ShardKeys, id: CallId): Promise<StoredCall | undefined> {
  // The time in a terminal is written by the scripts, and read by none of them.
  const json = await onRecord(
    redis,
    keys,
    `
local call = load_call(ARGV[1])
if not call then return 'null' end
call.head = call.head
if call.terminal then call.claimed = tonumber(string.match(call.terminal, '^%S+ %S+ %d+ %d+ (%d+)')) end
return cjson.encode(call)`,
    id,
  );
  return (JSON.parse(json) as StoredCall | null) ?? undefined; // as the reader makes it
}

/** Changes what a call's record says; its expiry stays as it is. */
export async function changeStoredCall(
  redis: RedisClient,
  keys: ShardKeys,
  id: CallId,
  change: Partial<StoredCall>,
): Promise<void> {
  await onRecord(
    redis,
    keys,
    `
local call = load_call(ARGV[1])
local terminal = call.terminal
for name, value in pairs(cjson.decode(ARGV[2])) do call[name] = value end
if not terminal then
  save_call(call)
else
  local record = redis.call('GET', call.key)
  redis.call('SET', call.key, string.sub(record, 1, #record - #terminal) .. call.terminal, 'KEEPTTL')
end
return ''`,
    id,
    JSON.stringify(change),
  );
}

/** Writes how a call that lives ended, as any version might say it; it is still looked at when it was due. */
export async function endStoredCall(
  redis: RedisClient,
  keys: ShardKeys,
  id: CallId,
  end: { readonly kind: string; readonly reason: string; readonly body: string },
): Promise<void> {
  const lua = "return save_end(load_call(ARGV[1]), ARGV[2], ARGV[3], ARGV[4])";
  await onRecord(redis, keys, lua, id, end.kind, end.reason, end.body);
}

async function onRecord(redis: RedisClient, keys: ShardKeys, lua: string, ...args: string[]): Promise<string> {
  const given = `local prefix, due, now = KEYS[1], KEYS[2], redis.call('TIME')[1] * 1000\n`;
  return String(await redis.eval(`${given}${RECORD_LUA}${lua}`, 2, keys.prefix, keys.due, ...args));
}

async function read<T>(redis: RedisClient, lua: string, reader: string, text: string | null): Promise<T | undefined> {
  if (text === null) return undefined;
  const json = await redis.eval(`${lua}return cjson.encode(${reader}(ARGV[1]) or cjson.null)`, 0, text);
  return (JSON.parse(String(json)) as T | null) ?? undefined; // as the reader makes it
}

async function write(redis: RedisClient, lua: string, writer: string, value: object): Promise<string> {
  return String(await redis.eval(`${lua}return ${writer}(cjson.decode(ARGV[1]))`, 0, JSON.stringify(value)));
}
