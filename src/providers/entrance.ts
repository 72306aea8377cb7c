import { ToolgateError } from "../errors/toolgate-error.js";

/** What a provider asks to be let in for: a new lease, or a session on the lease that it has. */
export type Arrival = "register" | "attach";

export interface EntranceSettings {
  /** How many are let in at once, until each is done. */
  readonly maxUnderWay: number;
  /** How many may wait of each kind. */
  readonly maxWaiting: number;
  /** What those that wait may hold together, in bytes. */
  readonly maxWaitingBytes: number;
  /** How long one may wait, in milliseconds; less than providers wait for an answer. */
  readonly maxWaitMs: number;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** One that waits. */
interface Waiting {
  /** Lets it in. */
  readonly begin: () => void;
  readonly refuse: () => void;
  /** When it has waited for long enough, by the monotonic clock. */
  readonly untilMs: number;
}

/** Bounds of what a refused provider is told to wait, in milliseconds. */
const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 30_000;
/** What is assumed of how long one takes until that was measured, in milliseconds. */
const FIRST_PACE_MS = 5;
/** The share of the newest in the running mean of that. */
const PACE_SHARE = 0.05;

/**
 * Paces what providers ask of a node when many come at once, as in a deployment or after an outage: some are under way, some wait
 * in line, and all others are told when to come again, each at another time. So the work of those that were let in is done before
 * they give up, Redis and the node have time for everybody else, and nothing is done for a provider that has gone.
 *
 * Those that attach go first: they have registered already, and until they are attached their leases are for nothing.
 */
export class Entrance {
  readonly #settings: EntranceSettings;
  readonly #lines: Readonly<Record<Arrival, Set<Waiting>>> = { attach: new Set(), register: new Set() };
  #underWay = 0;
  #waitingBytes = 0;
  #paceMs = FIRST_PACE_MS;
  #doneAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: EntranceSettings) {
    this.#settings = settings;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#lines.attach.size + this.#lines.register.size;
  }

  /** @throws ToolgateError NODE_BUSY when no more may wait: what leads to the entrance need not be done then. */
  check(arrival: Arrival): void {
    if (this.#lines[arrival].size >= this.#settings.maxWaiting) throw this.#busy();
  }

  /**
   * Does something for a provider when it is its turn.
   *
   * @param bytes about what it holds while it waits.
   * @param whenGone tells when nobody waits for it any more; it is not begun then.
   * @throws ToolgateError NODE_BUSY when too many wait, or it has waited for too long; what `work` throws.
   */
  async pass<T>(
    arrival: Arrival,
    bytes: number,
    whenGone: (listener: () => void) => void,
    work: () => Promise<T>,
  ): Promise<T> {
    if (this.#underWay >= this.#settings.maxUnderWay) await this.#wait(arrival, bytes, whenGone);
    else this.#underWay++;
    const startedMs = this.#settings.monotonicMs();
    try {
      return await work();
    } finally {
      this.#done(startedMs);
    }
  }

  /** Resolves when it is let in: then it counts as under way. */
  #wait(arrival: Arrival, bytes: number, whenGone: (listener: () => void) => void): Promise<void> {
    const { maxWaiting, maxWaitingBytes, maxWaitMs, monotonicMs } = this.#settings;
    if (this.#lines[arrival].size >= maxWaiting || this.#waitingBytes + bytes > maxWaitingBytes)
      return Promise.reject(this.#busy());
    return new Promise((resolve, reject) => {
      const line = this.#lines[arrival];
      const leave = (): boolean => {
        if (!line.delete(one)) return false;
        this.#waitingBytes -= bytes;
        return true;
      };
      const one: Waiting = {
        untilMs: monotonicMs() + maxWaitMs,
        begin: () => leave() && resolve(),
        refuse: () => leave() && reject(this.#busy()),
      };
      line.add(one);
      this.#waitingBytes += bytes;
      whenGone(() => one.refuse());
      this.#watch();
    });
  }

  #done(startedMs: number): void {
    const { monotonicMs } = this.#settings;
    const nowMs = monotonicMs();
    // With one after the other under way, the time between two ends is what one takes.
    const tookMs = nowMs - Math.max(startedMs, this.#doneAtMs ?? startedMs);
    this.#doneAtMs = nowMs;
    this.#paceMs += (tookMs - this.#paceMs) * PACE_SHARE;
    const [next] = this.#lines.attach.size > 0 ? this.#lines.attach : this.#lines.register;
    if (next === undefined) this.#underWay--;
    else next.begin(); // in the place of the one that is done
  }

  /** Refuses those that have waited for too long, while anybody waits. */
  #watch(): void {
    if (this.#timer !== undefined || this.waiting === 0) return;
    const { monotonicMs } = this.#settings;
    const firsts = Object.values(this.#lines).flatMap(([first]) => (first === undefined ? [] : [first.untilMs]));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        const nowMs = monotonicMs();
        for (const line of Object.values(this.#lines)) {
          for (const one of line) {
            if (one.untilMs > nowMs) break; // in the order in which they came
            one.refuse();
          }
        }
        this.#watch();
      },
      Math.max(1, Math.min(...firsts) - monotonicMs()),
    );
    this.#timer.unref();
  }

  /** Spreads those that it refuses over the time that all who wait and came too many will take. */
  #busy(): ToolgateError {
    const { random } = this.#settings;
    const spreadMs = 2 * this.#paceMs * this.waiting;
    const retryAfterMs = Math.round(Math.min(MAX_RETRY_MS, MIN_RETRY_MS + spreadMs * random()));
    return new ToolgateError(
      "NODE_BUSY",
      `${this.waiting} providers wait for this node to let them in; attach to another one, or come again in ${retryAfterMs} ms`,
      { retryAfterMs },
    );
  }
}
