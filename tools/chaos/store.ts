import type { Cluster, Redis } from "ioredis";

/** What a store is made of. */
export type StoreKind = "standalone" | "sentinel" | "cluster";

/** The cluster's Redis, whatever it is made of, with what can happen to it. */
interface AnyStore {
  /** What it is, for the report. */
  readonly description: string;
  /** How many shards nodes make on it. */
  readonly shards: number;
  start(): Promise<void>;
  /** Loses everything: data and loaded scripts. */
  flush(): Promise<void>;
  /** A client that goes to it directly, past all proxies; `stop` closes it. */
  observer(): Redis | Cluster;
  /** Ends it. Idempotent. */
  stop(): Promise<void>;
}

/** One address, to which every gateway goes through a proxy of its own. */
export interface SingleStore extends AnyStore {
  readonly kind: "single";
  /** The loopback port that the gateways' proxies connect to now. */
  readonly port: number;
  /** Its process, while it runs. */
  readonly pid: number;
  /** Ends it at once, as a crash would. */
  crash(): Promise<void>;
  /** Brings it back after a crash; resolves when it answers. */
  recover(): Promise<void>;
}

/** Several servers, of which another one takes the place of a master that is lost; gateways find them by themselves. */
export interface GroupStore extends AnyStore {
  readonly kind: "group";
  /** The URL that gateways are given. */
  readonly url: string;
  /** Resolves when a loss is noticed as soon as it can be: servers that have only just met may take longer. */
  steady(): Promise<void>;
  /**
   * Loses the master of a key, waits until another one has its place, lets the lost one come back, and waits until all agree.
   */
  failOver(how: Loss, key: string): Promise<Failover>;
}

export type Store = SingleStore | GroupStore;

/** A failover that took place; all by the machine's clock. */
export interface Failover {
  readonly lostMs: number;
  /** When the servers called another one the master. */
  readonly replacedMs: number;
  /** When the lost one was back and all agreed. */
  readonly settledMs: number;
}

/** How a master is lost: kill -9, or SIGSTOP until another one has its place. */
export type Loss = "kill" | "freeze";
