import type { Redis } from "ioredis";
import { PrivateRedis } from "../../src/local-cluster/private-redis.js";
import { observerOf } from "./observer.js";
import type { SingleStore } from "./store.js";

/**
 * One Redis server with an append-only file.
 *
 * `appendfsync always`, since "acknowledged" is to mean "in the file": with `everysec` Redis may hold back its writes to the
 * file, while it goes on to answer, as long as an fsync is under way, and kill -9 loses those.
 */
export class StandaloneStore implements SingleStore {
  readonly kind = "single";
  readonly description = "one Redis, append-only file (appendfsync always)";
  readonly shards = 1;
  readonly #binary: string;
  readonly #folder: string;
  readonly #clients = new Set<Redis>();
  #port = 0;
  #server: PrivateRedis | undefined;

  constructor(binary: string, folder: string) {
    this.#binary = binary;
    this.#folder = folder;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    if (this.#server === undefined) throw new Error("Redis does not run.");
    return this.#server.pid;
  }

  async start(): Promise<void> {
    const server = new PrivateRedis({
      binary: this.#binary,
      folder: this.#folder,
      removeFolder: false,
      appendOnly: true,
      args: ["--appendfsync", "always"],
      ...(this.#port === 0 ? {} : { port: this.#port }),
    });
    await server.start();
    this.#server = server;
    this.#port = Number(new URL(server.url).port);
  }

  async crash(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    process.kill(server.pid, "SIGKILL");
    await server.stop();
  }

  recover(): Promise<void> {
    return this.start();
  }

  async flush(): Promise<void> {
    const client = this.observer();
    try {
      await client.flushall();
      await client.script("FLUSH");
    } finally {
      client.disconnect();
    }
  }

  observer(): Redis {
    return observerOf(this.#port, this.#clients);
  }

  async stop(): Promise<void> {
    for (const client of [...this.#clients]) client.disconnect();
    await this.#server?.stop();
  }
}
