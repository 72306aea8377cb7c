import type { Redis } from "ioredis";
import type { CatalogRedis } from "./catalog-redis.js";
import type { ScriptMeter } from "./script-meter.js";

/**
 * What the gateway asks of Redis, whatever it is made of: an ioredis `Redis` is one (a single server), and so is `GroupLink`,
 * which finds the master for each key.
 *
 * A node's commands name keys of one shard each, so each has one master to go to.
 */
export interface RedisClient extends CatalogRedis {
  /** The first key of EVALSHA and EVAL stands behind the number of keys. */
  callBuffer(command: string, args: (string | Buffer | number)[]): Promise<unknown>;
  hget(key: string, field: string): Promise<string | null>;
  evalsha(sha: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  eval(lua: string, keyCount: number, ...args: (string | number)[]): Promise<unknown>;
  time(): Promise<(string | number)[]>;
  /** Called with Redis's words whenever it denies a script something that the node's user may not do; set by the monitor of that. */
  onDenied?: ((why: string) => void) | undefined;
  /** Measures the scripts that are run; absent where nothing does, and then nothing is measured. */
  meter?: ScriptMeter | undefined;
}

/** Connections to Redis for one purpose: one, or one per master. */
export interface RedisLink {
  readonly client: RedisClient;
  /** The master's own connection for a key. @throws ToolgateError STORE_UNAVAILABLE when there is none now. */
  masterOf(key: string): Redis;
  /** The connections to all masters that are known now. */
  masters(): readonly Redis[];
  /** Whether commands can be sent now, to every master. */
  readonly ready: boolean;
  /** Connects. @throws the reason why not; it goes on trying all the same, until `stop`. */
  start(): Promise<void>;
  stop(): void;
}
