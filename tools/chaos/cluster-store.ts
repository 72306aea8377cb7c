import { Cluster } from "ioredis";
import { parseRedisUrl } from "../../src/config/redis-url.js";
import { PrivateCluster } from "../../src/local-cluster/private-cluster.js";
import { shardCount } from "../../src/store/agree-on-shards.js";
import { loseMaster } from "./lose-master.js";
import type { Failover, GroupStore, Loss } from "./store.js";

const NODE_TIMEOUT_MS = 1_000;

/** A Redis Cluster of three masters with a replica each, with append-only files. */
export class ClusterStore implements GroupStore {
  readonly kind = "group";
  readonly description =
    `a Redis Cluster of three masters with a replica each (node-timeout ${NODE_TIMEOUT_MS} ms), append-only files`;
  readonly #group: PrivateCluster;
  readonly #clients = new Set<Cluster>();

  constructor(binary: string, folder: string) {
    this.#group = new PrivateCluster({
      binary,
      folder,
      replicas: 1,
      nodeTimeoutMs: NODE_TIMEOUT_MS,
      args: ["--appendonly", "yes", "--appendfsync", "always"],
    });
  }

  get url(): string {
    return this.#group.url;
  }

  /** The nodes' own choice. */
  get shards(): number {
    return shardCount(0, parseRedisUrl(this.url));
  }

  start(): Promise<void> {
    return this.#group.start();
  }

  async steady(): Promise<void> {} // its servers know each other all the time

  failOver(how: Loss, key: string): Promise<Failover> {
    const group = this.#group;
    return loseMaster(how, { master: () => group.masterOf(key), settled: () => group.settled() });
  }

  async flush(): Promise<void> {
    for (const master of await this.#group.masters()) {
      await master.query(async (redis) => {
        await redis.flushall();
        await redis.script("FLUSH");
      });
    }
  }

  observer(): Cluster {
    const client = new Cluster(
      this.#group.members.map(({ port }) => ({ host: "127.0.0.1", port })),
      {
        shardedSubscribers: true,
        slotsRefreshInterval: 500,
        clusterRetryStrategy: () => 50,
        redisOptions: { maxRetriesPerRequest: null },
      },
    );
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
