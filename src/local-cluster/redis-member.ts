import { rm } from "node:fs/promises";
import { Redis } from "ioredis";
import { freePort, onFreePort } from "./free-port.js";
import { ProgramError } from "./program.js";
import { launchSupervised, SERVER_GRACE_MS, type SupervisedServer } from "./supervised-server.js";

export interface RedisMemberOptions {
  /** The path of a redis-server or valkey-server. */
  readonly binary: string;
  /** Its own folder, made if need be; it stays over a restart, and goes with `stop`. */
  readonly folder: string;
  /** The server's arguments, given its port, and another one that is as free: a cluster's members talk over it. */
  readonly args: (port: number, busPort: number) => readonly string[];
  readonly readyText: string;
}

/** How long one query may take, in milliseconds. */
const QUERY_TIMEOUT_MS = 2_000;

/** One server of a group on loopback, under a supervisor, with what can happen to it. It keeps its port and its folder over a restart. */
export class RedisMember {
  readonly #options: RedisMemberOptions;
  #port = 0;
  #busPort = 0;
  #server: SupervisedServer | undefined;
  #frozen = false;

  constructor(options: RedisMemberOptions) {
    this.#options = options;
  }

  get port(): number {
    if (this.#port === 0) throw new ProgramError("a server that has not been started has no port");
    return this.#port;
  }

  /** The other port that its arguments were given. */
  get busPort(): number {
    return this.#busPort;
  }

  /** `127.0.0.1:<port>` */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Its process id. @throws ProgramError when it does not run. */
  get pid(): number {
    if (this.#server === undefined) throw new ProgramError("a server that does not run has no process id");
    return this.#server.pid;
  }

  /** Whether its process is there, frozen or not. */
  get running(): boolean {
    return this.#server?.supervisor.running ?? false;
  }

  /** Whether it is suspended. */
  get frozen(): boolean {
    return this.#frozen;
  }

  /** Starts it, for the first time or again; resolves when it is ready. */
  async start(): Promise<void> {
    if (this.running) return;
    const { binary, folder, args, readyText } = this.#options;
    const launch = (port: number, busPort: number): Promise<SupervisedServer> =>
      launchSupervised({ binary, args: args(port, busPort), folder, removeFolder: false, readyText });
    if (this.#port !== 0) {
      this.#server = await launch(this.#port, this.#busPort);
      return;
    }
    this.#server = await onFreePort(async (port) => {
      const busPort = await freePort();
      const server = await launch(port, busPort);
      [this.#port, this.#busPort] = [port, busPort];
      return server;
    });
  }

  /** Ends it at once, as a crash would; resolves when it has ended. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#frozen = false;
    if (server.supervisor.running) process.kill(server.pid, "SIGKILL");
    await server.supervisor.ended();
  }

  /** Suspends it; connections stay open. */
  freeze(): void {
    if (this.#server === undefined) return;
    process.kill(this.#server.pid, "SIGSTOP");
    this.#frozen = true;
  }

  /** Resumes it. */
  thaw(): void {
    if (this.#server === undefined || !this.#frozen) return;
    process.kill(this.#server.pid, "SIGCONT");
    this.#frozen = false;
  }

  /** Runs commands over a connection of its own. @throws when it does not answer. */
  async query<T>(run: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.port, "127.0.0.1", {
      lazyConnect: true,
      retryStrategy: () => null,
      maxRetriesPerRequest: 0,
      connectTimeout: QUERY_TIMEOUT_MS,
      commandTimeout: QUERY_TIMEOUT_MS,
      enableReadyCheck: false,
      disableClientInfo: true,
      // Replies in one shape, whatever the command.
      protocol: 2,
    });
    redis.on("error", () => {}); // the query fails with it
    try {
      await redis.connect();
      return await run(redis);
    } finally {
      redis.disconnect();
    }
  }

  /** Ends it and removes its folder. Idempotent. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server !== undefined) {
      if (this.#frozen && server.supervisor.running) process.kill(server.pid, "SIGCONT"); // or it would not see that it must end
      await server.supervisor.stop(SERVER_GRACE_MS + 5_000);
    }
    await rm(this.#options.folder, { recursive: true, force: true });
  }
}

/** Checks until the answer is yes; a check that fails is a no. @throws ProgramError when the time is over. */
export async function pollUntil(awaited: string, withinMs: number, check: () => Promise<boolean>): Promise<void> {
  const start = performance.now();
  while (!(await check().catch(() => false))) {
    if (performance.now() - start >= withinMs) throw new ProgramError(`Timed out after ${withinMs} ms: ${awaited}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 25));
  }
}
