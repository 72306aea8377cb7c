import type { Logger } from "../log/logger.js";

/** The most faults that are told apart; more of them is one outage with many faces, such as names that change. */
const MAX_TOLD = 64;

/** Tells what goes wrong with connections: each repeats its faults at every attempt, and one line tells each. */
export class ConnectionFaults {
  readonly #log: Logger;
  readonly #told = new Set<string>();
  /** The last fault, for who could not start. */
  last = "";

  constructor(log: Logger) {
    this.#log = log;
  }

  tell(connection: string, { message }: Error): void {
    this.last = message;
    const fault = `${connection}: ${message}`;
    if (this.#told.has(fault)) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(fault);
    this.#log.warn({ event: "redis_error", connection, message });
  }

  /** Redis is there again: the next fault is news. */
  clear(): void {
    this.#told.clear();
  }
}
