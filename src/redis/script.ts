import { createHash } from "node:crypto";
import { deniedCommand, readDenial } from "../errors/redis-denial.js";
import { fromRedisError } from "../errors/redis-errors.js";
import type { ToolgateError } from "../errors/toolgate-error.js";
import { readUnpublished } from "./notify.js";
import type { RedisClient } from "./redis-client.js";
import { readMetered } from "./script-meter.js";

/** A Lua script: one atomic decision. */
export interface Script {
  /** For logs and counters. */
  readonly name: string;
  readonly lua: string;
  readonly sha: string;
  /** The same script for a node that is metered: it also says which calls it has ended. Absent where that is the same. */
  readonly metered?: Script;
}

/** What a script can answer: bulk strings come as buffers, because payloads are bytes. */
export type Reply = Buffer | number | null | readonly Reply[];

export type ScriptArgument = string | number | Buffer;

/** The scripts of the modules that are loaded, by name, as they were defined last: for checks. */
export const DEFINED_SCRIPTS = new Map<string, Script>();

/** Defines a script from fragments of Lua, shared functions first. */
export function defineScript(name: string, ...fragments: readonly string[]): Script {
  const script = scriptOf(name, fragments.join("\n"));
  DEFINED_SCRIPTS.set(name, script);
  return script;
}

function scriptOf(name: string, lua: string): Script {
  return { name, lua, sha: createHash("sha1").update(lua).digest("hex") };
}

/** The script, with what a node runs in its place that is metered. */
export function withMetered(script: Script, change: (lua: string) => string): Script {
  return { ...script, metered: scriptOf(script.name, change(script.lua)) };
}

/** The same change of a script, and of what is run in its place by a node that is metered. */
export function changeScript({ name, lua, metered }: Script, change: (lua: string) => string): Script {
  const changed = defineScript(name, change(lua));
  return metered === undefined ? changed : withMetered(changed, () => change(metered.lua));
}

/**
 * The same script, run also by a Redis that is at its memory limit: for what ends calls, keeps providers alive and lets go of
 * things. What admits calls and keeps output is refused there, and nodes refuse to admit before it comes to that; see
 * memory-watch.ts.
 *
 * Of a script with this first line Redis 7.0 also asks that all its keys are in one slot, as ours are
 * (https://redis.io/docs/latest/develop/programmability/eval-intro/#eval-flags).
 */
export function evenWhenFull(script: Script): Script {
  return changeScript(script, (lua) => `#!lua flags=allow-oom\n${lua}`);
}

/**
 * Runs a script by its digest, and by its text where Redis does not know it (yet, or again after SCRIPT FLUSH).
 * Nothing is retried: a lost reply is an unknown outcome, and only the caller knows how to look it up.
 *
 * @throws ToolgateError STORE_UNAVAILABLE, which says whether the script can have run.
 */
export async function runScript(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<Reply> {
  return answerOf(redis, await run(redis, script, keys, args));
}

async function run(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<Reply> {
  const { meter } = redis;
  if (meter === undefined) return send(redis, script, keys, args);
  const sinceMs = performance.now();
  try {
    const reply = await send(redis, script.metered ?? script, keys, args);
    meter.ran(script.name, performance.now() - sinceMs);
    return reply;
  } catch (error) {
    meter.failed(script.name);
    throw error;
  }
}

async function send(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<Reply> {
  try {
    return (await redis.callBuffer("EVALSHA", [script.sha, keys.length, ...keys, ...args])) as Reply; // ioredis types it unknown
  } catch (error) {
    if (!isNoScript(error)) throw refusal(redis, script, error);
  }
  try {
    return (await redis.callBuffer("EVAL", [script.lua, keys.length, ...keys, ...args])) as Reply; // ioredis types it unknown
  } catch (error) {
    throw refusal(redis, script, error);
  }
}

/** What a script answered; that it could not notify is reported apart, and so is what it has ended. See notify.ts, script-meter.ts. */
export function answerOf(redis: RedisClient, reply: Reply): Reply {
  const unpublished = readUnpublished<Reply>(reply);
  if (unpublished !== undefined) redis.onDenied?.(unpublished.why);
  const answer = unpublished === undefined ? reply : (unpublished.answer ?? null);
  const metered = redis.meter === undefined ? undefined : readMetered<Reply>(answer);
  if (metered === undefined) return answer;
  redis.meter?.ended(metered.ended);
  return metered.answer ?? null;
}

/** The error of a refused script; a denied command is reported to `onDenied`. */
function refusal(redis: RedisClient, script: Script, error: unknown): ToolgateError {
  const command = error instanceof Error ? deniedCommand(script.lua, error.message) : undefined;
  const refused = fromRedisError(error, command === undefined ? {} : { command });
  if (error instanceof Error && readDenial(error.message) !== undefined) redis.onDenied?.(error.message);
  return refused;
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("NOSCRIPT");
}

/** A reply that must be an array. */
export function asArray(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new TypeError("the script answered no array");
  return reply;
}

/** A reply that must be a bulk string. */
export function asBuffer(reply: Reply | undefined): Buffer {
  if (!Buffer.isBuffer(reply)) throw new TypeError("the script answered no string");
  return reply;
}

/** A reply that must be text. */
export function asText(reply: Reply | undefined): string {
  return asBuffer(reply).toString();
}

/** A reply that must be a number; Lua numbers over 2^53 never occur, since all are milliseconds or counts. */
export function asNumber(reply: Reply | undefined): number {
  const value = typeof reply === "number" ? reply : Number(asText(reply));
  if (!Number.isSafeInteger(value)) throw new TypeError("the script answered no integer");
  return value;
}
