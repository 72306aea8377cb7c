import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type RedisOptions } from "ioredis";
import { afterAll, beforeAll, beforeEach, inject } from "vitest";
import { freePort } from "../../src/local-cluster/free-port.js";
import { PrivateRedis } from "../../src/local-cluster/private-redis.js";
import { searchRedis } from "./canaries.js";
import { until } from "./until.js";
import "./provided.js";

export interface TestRedisOptions {
  /** Whether it keeps an append-only file; it does not unless said. */
  readonly appendOnly?: boolean;
  /** More server arguments, such as `["--maxmemory-policy", "allkeys-lru"]`. */
  readonly args?: readonly string[];
}

/** As ioredis takes them; the shape of replies is the same everywhere. */
export type ClientOptions = Omit<RedisOptions, "replyMapping">;

/** A Redis of one test file's own, with the faults that tests inflict on it, by name. */
export interface TestRedis {
  /** The same from start to stop, also over a restart. */
  readonly url: string;
  /** A client of this Redis; `stop` closes those that are still open. */
  client(options?: ClientOptions): Redis;
  /** Empties the server: data and loaded scripts. */
  flush(): Promise<void>;
  /** Ends the server at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts it again after `kill`, on the same port; with its data only if it keeps an append-only file. */
  restart(): Promise<void>;
  /** Stops it from answering, connections stay open; `thaw` lets it go on. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Closes the clients, ends the server, removes its folder. Idempotent. */
  stop(): Promise<void>;
}

/** How long the search for what must not be there may take, in milliseconds. */
const SEARCHED_WITHIN_MS = 5_000;

/** Starts a Redis for one test file: a container where Docker runs, else a private redis-server. */
export async function privateRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const source = inject("redisForTests");
  const server = source.kind === "binary" ? await launchBinary(source.path, options) : await launchContainer(options);
  const clients = new Set<Redis>();

  const client = (clientOptions: ClientOptions = {}): Redis => {
    const made = new Redis(server.url, clientOptions);
    clients.add(made);
    made.on("error", () => {}); // commands fail with it; without a listener ioredis prints it too
    made.once("end", () => clients.delete(made));
    return made;
  };

  let frozen = false;
  /** What it holds is looked through before that is lost. */
  const search = async (): Promise<void> => {
    if (frozen) return;
    const once = client({ maxRetriesPerRequest: 0, retryStrategy: () => null, commandTimeout: SEARCHED_WITHIN_MS });
    try {
      await searchRedis(once);
    } finally {
      once.disconnect();
    }
  };

  return {
    url: server.url,
    client,
    flush: async () => {
      const flusher = client();
      try {
        await searchRedis(flusher);
        await flusher.flushall();
        await flusher.script("FLUSH");
      } finally {
        flusher.disconnect();
      }
    },
    kill: async () => {
      await search();
      await server.kill();
    },
    restart: () => server.restart(),
    freeze: async () => {
      frozen = true;
      await server.freeze();
    },
    thaw: async () => {
      await server.thaw();
      frozen = false;
    },
    stop: async () => {
      try {
        await search();
      } finally {
        for (const open of clients) open.disconnect();
        clients.clear();
        await server.stop();
      }
    },
  };
}

/**
 * The same for a whole test file: starts it before the first test, empties it before each, stops it after the last.
 *
 *     const redis = redisForFile();
 *     test("...", async () => { await redis().client().ping(); });
 */
export function redisForFile(options: TestRedisOptions = {}): () => TestRedis {
  let redis: TestRedis | undefined;
  beforeAll(async () => {
    redis = await privateRedis(options);
  });
  beforeEach(() => redis?.flush());
  afterAll(() => redis?.stop());
  return () => {
    if (!redis) throw new Error("Redis is there from beforeAll on, not before.");
    return redis;
  };
}

/** A Redis server, however it runs. */
interface Server {
  readonly url: string;
  kill(): Promise<void>;
  restart(): Promise<void>;
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  stop(): Promise<void>;
}

async function launchBinary(binary: string, { appendOnly = false, args = [] }: TestRedisOptions): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "toolgate-redis-"));
  const on = (port?: number) =>
    new PrivateRedis({ binary, folder, removeFolder: !appendOnly, appendOnly, args, ...(port ? { port } : {}) });
  let server = on();
  await server.start();
  const { url } = server;
  const port = Number(new URL(url).port);
  return {
    url,
    kill: async () => {
      process.kill(server.pid, "SIGKILL");
      await server.stop();
    },
    restart: async () => {
      server = on(port);
      await server.start();
    },
    freeze: async () => {
      process.kill(server.pid, "SIGSTOP");
    },
    thaw: async () => {
      process.kill(server.pid, "SIGCONT");
    },
    stop: async () => {
      if (server.running) process.kill(server.pid, "SIGCONT"); // a frozen server would not hear that it must end
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launchContainer({ appendOnly = false, args = [] }: TestRedisOptions): Promise<Server> {
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import("testcontainers");
  const port = await freePort();
  const container = await new GenericContainer("redis:7-alpine")
    .withExposedPorts({ container: 6379, host: port })
    .withCommand(["redis-server", "--save", "", "--appendonly", appendOnly ? "yes" : "no", ...args])
    .withWaitStrategy(Wait.forLogMessage("Ready to accept connections"))
    .start();
  const url = `redis://${container.getHost()}:${port}`;
  const docker = (await getContainerRuntimeClient()).container.getById(container.getId());
  let stopped = false;
  return {
    url,
    kill: async () => {
      await docker.kill();
    },
    restart: async () => {
      await docker.start();
      const client = new Redis(url, { maxRetriesPerRequest: null });
      try {
        await until("Redis answers after its restart", async () => (await client.ping()) === "PONG");
      } finally {
        client.disconnect();
      }
    },
    freeze: async () => {
      await docker.pause();
    },
    thaw: async () => {
      await docker.unpause();
    },
    stop: async () => {
      if (stopped) return;
      stopped = true;
      await container.stop();
    },
  };
}
