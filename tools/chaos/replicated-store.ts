import { join } from "node:path";
import type { Redis } from "ioredis";
import { pollUntil, RedisMember } from "../../src/local-cluster/redis-member.js";
import { observerOf } from "./observer.js";
import type { SingleStore } from "./store.js";
import { TcpProxy } from "./tcp-proxy.js";

/** A replica follows its master within this, in milliseconds. */
const FOLLOWS_WITHIN_MS = 20_000;

/**
 * A Redis and a replica of it, with a proxy on the way of replication, so that the replica can be behind. Nothing watches over
 * the two: a failover is arranged, by killing the master and promoting the replica, and all clients are led to the new master.
 */
export class ReplicatedStore implements SingleStore {
  readonly kind = "single";
  readonly description = "one Redis with a replica, append-only files";
  readonly shards = 1;
  readonly #replication: TcpProxy;
  readonly #clients = new Set<Redis>();
  #master: RedisMember;
  #replica: RedisMember;

  constructor(binary: string, folder: string) {
    const member = (name: string): RedisMember => {
      const own = join(folder, name);
      return new RedisMember({
        binary,
        folder: own,
        readyText: "Ready to accept connections",
        args: (port) => [
          ...["--port", String(port), "--bind", "127.0.0.1", "--dir", own, "--daemonize", "no", "--save", ""],
          ...["--appendonly", "yes", "--repl-diskless-sync-delay", "0"],
        ],
      });
    };
    this.#master = member("a");
    this.#replica = member("b");
    this.#replication = new TcpProxy(() => this.#master.port);
  }

  get port(): number {
    return this.#master.port;
  }

  get pid(): number {
    return this.#master.pid;
  }

  async start(): Promise<void> {
    await Promise.all([this.#master.start(), this.#replica.start(), this.#replication.start()]);
    await this.#follow();
  }

  /** From now on the replica gets nothing of what the master writes, and neither notices. */
  stall(): void {
    this.#replication.set("stall");
  }

  async crash(): Promise<void> {
    await this.#master.kill();
  }

  /** The replica takes the place of the master that crashed, with what it had; the old master comes back and follows it. */
  async recover(): Promise<void> {
    this.#replication.set("refuse"); // what was on its way is lost with the master
    await this.#replica.query((redis) => redis.replicaof("NO", "ONE"));
    [this.#master, this.#replica] = [this.#replica, this.#master];
    this.#replication.set("pass");
    await this.#replica.start();
    await this.#follow();
  }

  async flush(): Promise<void> {
    await this.#master.query(async (redis) => {
      await redis.flushall();
      await redis.script("FLUSH");
    });
  }

  observer(): Redis {
    return observerOf(this.port, this.#clients);
  }

  async stop(): Promise<void> {
    for (const client of [...this.#clients]) client.disconnect();
    await Promise.all([this.#master.stop(), this.#replica.stop(), this.#replication.stop()]);
  }

  async #follow(): Promise<void> {
    await this.#replica.query((redis) => redis.replicaof("127.0.0.1", this.#replication.port));
    await pollUntil("the replica follows its master", FOLLOWS_WITHIN_MS, async () => {
      const [, , , state] = (await this.#replica.query((redis) => redis.call("ROLE"))) as string[];
      return state === "connected";
    });
  }
}
