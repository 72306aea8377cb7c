import type { Logger } from "../log/logger.js";

/** Tells what goes wrong with connections: ioredis repeats the same fault at every attempt, and one line tells it. */
export class ConnectionFaults {
  readonly #log: Logger;
  #told = "";
  /** The last fault, for who could not start. */
  last = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(connection: string, { message }: Error): void {
    this.last = message;
    const fault = `${connection}: ${message}`;
    if (fault === this.#told) return;
    this.#told = fault;
    this.#log.warn({ event: "redis_error", connection, message });
  }

  /** Redis is there again: the next fault is news. */
  clear(): void {
    this.#told = "";
  }
}
