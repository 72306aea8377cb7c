import { Redis } from "ioredis";
import type { Logger } from "../observe/logger.js";
import type { ConnectionFaults } from "./connection-faults.js";
import { ConnectionWatchdog } from "./connection-watchdog.js";
import { type ClientOptions, CONNECT_TIMEOUT_MS } from "./fail-fast.js";
import type { RedisLink } from "./redis-client.js";

export interface SingleLinkSettings {
  /** `redis://…` */
  readonly url: string;
  readonly options: ClientOptions & { readonly connectionName: string };
  readonly log: Logger;
  readonly faults: ConnectionFaults;
  readonly onReady?: (ready: boolean) => void;
}

/** One connection to a single server. */
export class SingleLink implements RedisLink {
  readonly client: Redis;
  readonly #watchdog: ConnectionWatchdog;

  constructor({ url, options, log, faults, onReady }: SingleLinkSettings) {
    this.client = new Redis(url, options);
    this.client.on("error", (error: Error) => faults.report(options.connectionName, error));
    this.client.on("ready", () => onReady?.(true));
    this.client.on("close", () => onReady?.(false));
    this.#watchdog = new ConnectionWatchdog(this.client, log, () => performance.now());
  }

  masterOf(): Redis {
    return this.client;
  }

  masters(): readonly Redis[] {
    return [this.client];
  }

  get ready(): boolean {
    return this.client.status === "ready";
  }

  async start(): Promise<void> {
    this.#watchdog.start();
    await connectInTime(this.client);
  }

  stop(): void {
    this.#watchdog.stop();
    this.client.disconnect();
  }
}

/** Connects once. While Redis loads its file, ioredis waits for as long as that takes: so there is an end to waiting. */
export async function connectInTime(redis: Redis): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), 2 * CONNECT_TIMEOUT_MS);
  });
  try {
    await Promise.race([redis.connect(), late]);
  } finally {
    clearTimeout(timer);
  }
}
