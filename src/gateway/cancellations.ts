import { every } from "../async/every.js";
import { isRedisUnavailable } from "../errors/redis-errors.js";
import type { CallId } from "../identity/call-id.js";
import type { CallerName } from "../identity/caller-name.js";
import type { FaultLog } from "../observe/recurring-faults.js";

export interface CancellationsSettings {
  readonly cancel: (id: CallId, caller: CallerName) => Promise<unknown>;
  readonly faults: FaultLog;
  readonly monotonicMs: () => number;
  /** The longest that a call may take, in milliseconds: after that it has ended by itself. */
  readonly maxTimeoutMs: number;
}

interface Pending {
  readonly caller: CallerName;
  readonly untilMs: number;
}

/** How long Redis is left alone after a batch failed, in milliseconds. */
const RETRY_MS = 500;
/** How many are sent at once. */
const BATCH = 64;
/** The most cancellations that wait for Redis; beyond, the oldest are given up: those calls end at their deadlines. */
const MAX_PENDING = 100_000;

/**
 * Cancels calls that have no waiters any more. What Redis cannot take now, because it is away, is sent when it is back: agents
 * lose their connections mostly when much else breaks, too.
 */
export class Cancellations {
  readonly #settings: CancellationsSettings;
  /** Cancellations still to be sent to Redis, oldest attempt first: whose call it must be, and until when each matters. */
  readonly #pending = new Map<CallId, Pending>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #retries;

  constructor(settings: CancellationsSettings) {
    this.#settings = settings;
    this.#retries = every(
      () => RETRY_MS,
      () => this.#retry(),
      () => {}, // it does not throw
    );
  }

  start(): void {
    this.#retries.start();
  }

  /** Ends when all that Redis can take now has been sent. */
  async stop(): Promise<void> {
    await this.#retries.stop();
    await Promise.all(this.#underWay);
    await this.#retry();
  }

  /** Cancels a call of this caller's; what fails is logged. */
  cancel(id: CallId, caller: CallerName): void {
    this.#track(id, { caller, untilMs: this.#settings.monotonicMs() + this.#settings.maxTimeoutMs });
  }

  #track(id: CallId, pending: Pending): Promise<void> {
    const asked = this.#ask(id, pending).finally(() => this.#underWay.delete(asked));
    this.#underWay.add(asked);
    return asked;
  }

  async #ask(id: CallId, pending: Pending): Promise<void> {
    try {
      await this.#settings.cancel(id, pending.caller);
    } catch (error) {
      this.#settings.faults.warn({ event: "cancel_failed", error });
      if (!isRedisUnavailable(error)) return;
      this.#pending.set(id, pending);
      const [oldest] = this.#pending.keys();
      if (oldest !== undefined && this.#pending.size > MAX_PENDING) this.#pending.delete(oldest);
    }
  }

  /** Tries each once more, until a whole batch fails. */
  async #retry(): Promise<void> {
    const nowMs = this.#settings.monotonicMs();
    const due = [...this.#pending];
    for (let from = 0; from < due.length; from += BATCH) {
      const batch = due.slice(from, from + BATCH);
      for (const [id] of batch) this.#pending.delete(id);
      const live = batch.filter(([, { untilMs }]) => untilMs > nowMs);
      await Promise.all(live.map(([id, pending]) => this.#track(id, pending)));
      if (live.length > 0 && live.every(([id]) => this.#pending.has(id))) return;
    }
  }
}
