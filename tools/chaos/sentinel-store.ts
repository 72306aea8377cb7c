import { Redis } from "ioredis";
import { PrivateSentinel } from "../../src/local-cluster/private-sentinel.js";
import { loseMaster } from "./lose-master.js";
import type { Failover, GroupStore, Loss } from "./store.js";

/**
 * Twice as long as a Sentinel may take until it tries to reach a server again. With one second, one failover in three of
 * Redis 7.0's was followed by an attempt at another one a second later, of the new master, which was well; and the next
 * failover came late.
 */
const DOWN_AFTER_MS = 2_000;

/** A Redis and its replica with append-only files, watched by three Sentinels. */
export class SentinelStore implements GroupStore {
  readonly kind = "group";
  readonly description =
    `a Redis with a replica and three Sentinels (down-after ${DOWN_AFTER_MS} ms), append-only files`;
  readonly shards = 1;
  readonly #group: PrivateSentinel;
  readonly #clients = new Set<Redis>();

  constructor(binary: string, folder: string) {
    this.#group = new PrivateSentinel({
      binary,
      folder,
      downAfterMs: DOWN_AFTER_MS,
      args: ["--appendonly", "yes", "--appendfsync", "always"],
    });
  }

  get url(): string {
    return this.#group.url;
  }

  start(): Promise<void> {
    return this.#group.start();
  }

  steady(): Promise<void> {
    return this.#group.steady();
  }

  failOver(how: Loss, _key: string): Promise<Failover> {
    const group = this.#group;
    return loseMaster(how, {
      master: () => group.master(),
      // Sentinels let a master that came back be one for ten seconds; the harness knows better.
      welcome: async (returned, master) => {
        await returned.query((redis) => redis.replicaof("127.0.0.1", master.port));
      },
      settled: () => group.settled(),
    });
  }

  async flush(): Promise<void> {
    const master = await this.#group.master();
    await master.query(async (redis) => {
      await redis.flushall();
      await redis.script("FLUSH");
    });
  }

  observer(): Redis {
    const client = new Redis({
      sentinels: this.#group.sentinels.map(({ port }) => ({ host: "127.0.0.1", port })),
      name: this.#group.name,
      failoverDetector: true,
      sentinelRetryStrategy: () => 50,
      retryStrategy: () => 50,
      maxRetriesPerRequest: null,
    });
    client.on("error", () => {}); // it comes back; commands wait
    client.once("end", () => this.#clients.delete(client));
    this.#clients.add(client);
    return client;
  }

  async stop(): Promise<void> {
    for (const client of [...this.#clients]) client.disconnect();
    await this.#group.stop();
  }
}
