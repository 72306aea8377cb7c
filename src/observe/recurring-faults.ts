import { toToolgateError } from "../errors/to-toolgate-error.js";
import type { LogFields, Logger } from "./logger.js";

/** A fault as a log line has it. */
export interface FaultFields extends LogFields {
  readonly error: unknown;
  /** What it is a fault of, where the same event is another fault for another one. */
  readonly of?: string;
}

/** Tells faults that come once for each call, retry or turn while their cause lasts. */
export interface FaultLog {
  /**
   * Writes the first one as a warning, and counts those that follow.
   *
   * @param everyMs how often it comes while its cause lasts, in milliseconds, where that is less than once a second.
   */
  warn(fields: FaultFields, everyMs?: number): void;
}

/** A fault that has not come for so long is over, in milliseconds. */
const QUIET_MS = 5_000;

interface Recurring {
  readonly event: string;
  readonly beganAtMs: number;
  readonly quietMs: number;
  lastAtMs: number;
  times: number;
  timer: NodeJS.Timeout;
}

/**
 * Two lines for a fault however often it comes: one when it begins, and `fault_over`, with how often it came, when it has
 * not come for a while. What came once needs no second line.
 */
export class RecurringFaults implements FaultLog {
  readonly #log: Logger;
  readonly #monotonicMs: () => number;
  readonly #open = new Map<string, Recurring>();

  constructor(log: Logger, monotonicMs: () => number) {
    this.#log = log;
    this.#monotonicMs = monotonicMs;
  }

  warn(fields: FaultFields, everyMs = 0): void {
    const nowMs = this.#monotonicMs();
    const key = sameness(fields);
    const known = this.#open.get(key);
    if (known !== undefined) {
      known.times++;
      known.lastAtMs = nowMs;
      return;
    }
    this.#log.warn(fields);
    const quietMs = Math.max(QUIET_MS, 2 * everyMs);
    const { event } = fields;
    const timer = this.#lookAgain(key, quietMs);
    this.#open.set(key, { event, beganAtMs: nowMs, quietMs, lastAtMs: nowMs, times: 1, timer });
  }

  /** Tells of what has not ended yet. */
  stop(): void {
    for (const key of this.#open.keys()) this.#end(key);
  }

  #lookAgain(key: string, inMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      const fault = this.#open.get(key);
      if (fault === undefined) return;
      const leftMs = fault.lastAtMs + fault.quietMs - this.#monotonicMs();
      if (leftMs <= 0) this.#end(key);
      else fault.timer = this.#lookAgain(key, leftMs);
    }, inMs).unref();
  }

  #end(key: string): void {
    const fault = this.#open.get(key);
    if (fault === undefined) return;
    clearTimeout(fault.timer);
    this.#open.delete(key);
    if (fault.times === 1) return;
    const lastedMs = Math.round(fault.lastAtMs - fault.beganAtMs);
    this.#log.info({ event: "fault_over", fault: fault.event, times: fault.times, lastedMs });
  }
}

/** Which faults are the same one. That Redis is away concerns all toolsets alike; whatever else there is, each by itself. */
function sameness({ event, error, toolset, of }: FaultFields): string {
  const { reason } = toToolgateError(error);
  return reason === "STORE_UNAVAILABLE" ? event : `${event} ${reason} ${String(of ?? toolset)}`;
}
