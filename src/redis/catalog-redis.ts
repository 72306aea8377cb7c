/** What the catalogue needs of a Redis client; ioredis's `Redis` is one. */
export interface CatalogRedis {
  /** "ready" when commands can be sent. */
  readonly status: string;
  hscan(key: string, cursor: string, countToken: "COUNT", count: number): Promise<[cursor: string, items: string[]]>;
  hlen(key: string): Promise<number>;
  hmget(key: string, ...fields: string[]): Promise<(string | null)[]>;
  xrange(key: string, from: string, to: string, countToken: "COUNT", count: number): Promise<RawEntry[]>;
  xrevrange(key: string, from: string, to: string, countToken: "COUNT", count: number): Promise<RawEntry[]>;
  xinfo(subcommand: "STREAM", key: string): Promise<unknown>;
}

/** A stream entry as Redis gives it: its id, then fields and values in turn. */
export type RawEntry = [id: string, fields: string[]];
