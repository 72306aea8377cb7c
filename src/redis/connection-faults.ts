import type { Logger } from "../observe/logger.js";

/** Logs what goes wrong with connections: ioredis repeats the same fault at every attempt, and it is logged once. */
export class ConnectionFaults {
  readonly #log: Logger;
  /** By connection, since several that fail take turns. */
  readonly #reported = new Map<string, string>();
  /** The last fault, for the error of a start that failed. */
  last = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  report(connection: string, { message }: Error): void {
    this.last = message;
    if (this.#reported.get(connection) === message) return;
    this.#reported.set(connection, message);
    this.#log.warn({ event: "redis_error", connection, message });
  }

  /** A connection stands: its next fault is news. */
  recovered(connection: string): void {
    this.#reported.delete(connection);
  }

  /** Redis is there again: the next fault is news. */
  clear(): void {
    this.#reported.clear();
  }
}
