import type { Logger } from "../observe/logger.js";

/** Logs what goes wrong with connections: ioredis repeats the same fault at every attempt, and it is logged once. */
export class ConnectionFaults {
  readonly #log: Logger;
  /** By connection, since several that fail take turns. */
  readonly #told = new Map<string, string>();
  /** The last fault, for the error of a start that failed. */
  last = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(connection: string, { message }: Error): void {
    this.last = message;
    if (this.#told.get(connection) === message) return;
    this.#told.set(connection, message);
    this.#log.warn({ event: "redis_error", connection, message });
  }

  /** A connection stands: its next fault is news. */
  healed(connection: string): void {
    this.#told.delete(connection);
  }

  /** Redis is there again: the next fault is news. */
  clear(): void {
    this.#told.clear();
  }
}
