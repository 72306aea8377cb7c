import type { Redis } from "ioredis";

/** How many commands a Redis has run, also from within scripts; and how many scripts. */
export interface RedisCost {
  readonly commands: number;
  readonly scripts: number;
}

/** What it has run since it started. */
export async function redisCost(redis: Redis): Promise<RedisCost> {
  let commands = 0;
  let scripts = 0;
  for (const [, name = "", calls] of (await redis.info("commandstats")).matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)) {
    commands += Number(calls);
    if (/^(eval|evalsha|fcall)(_ro)?$/.test(name)) scripts += Number(calls);
  }
  return { commands, scripts };
}

/** What Redis holds, in bytes, with its tables of keys and without the buffers of clients and of its file, which come and go. */
export async function redisMemoryBytes(redis: Redis): Promise<number> {
  const info = await redis.info("memory");
  const read = (field: string): number => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(info)?.[1] ?? Number.NaN);
  return read("used_memory") - read("mem_clients_normal") - read("mem_aof_buffer");
}
