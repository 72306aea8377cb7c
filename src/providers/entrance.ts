import { FairLine, type Waiter } from "../async/fair-line.js";
import { ToolgateError } from "../errors/toolgate-error.js";

/** What a provider asks to be let in for: a new lease, or a session on the lease that it has. */
export type Arrival = "register" | "attach";

export interface EntranceSettings {
  /** How many are let in at once, until each is done. */
  readonly maxUnderWay: number;
  /** How many may wait of each kind. */
  readonly maxWaiting: number;
  /** What those of one kind that wait may hold together, in bytes. */
  readonly maxWaitingBytes: number;
  /** How long one may wait, in milliseconds; less than providers wait for an answer. */
  readonly maxWaitMs: number;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Something that is asked for, before it is its turn. */
export interface Asked {
  readonly arrival: Arrival;
  /** Whose share of the entrance it takes: the provider's connection. */
  readonly client: string;
  /** About what it holds while it waits. */
  readonly bytes: number;
  /** Tells when nobody waits for it any more; it is not begun then. */
  readonly whenGone: (listener: () => void) => void;
}

/** One that waits. */
interface Waiting extends Waiter {
  /** Lets it in, when it has left the line. */
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
/** After so many in a row that attach, one that registers is let in. */
const ATTACH_IN_A_ROW = 3;

/**
 * Paces what providers ask of a node when many come at once, as in a deployment or after an outage: some are under way, some wait
 * in line, and all others are told when to come again, each at another time. So the work of those that were let in is done before
 * they give up, Redis and the node have time for everybody else, and nothing is done for a provider that has gone.
 *
 * Those that attach go first, as a rule: they have registered already, and until they are attached their leases are for nothing.
 * Clients take turns, and none of them fills a line so that others find no place; see fair-line.ts.
 */
export class Entrance {
  readonly #settings: EntranceSettings;
  readonly #lines: Readonly<Record<Arrival, FairLine<Waiting>>>;
  #underWay = 0;
  #attachedInARow = 0;
  #paceMs = FIRST_PACE_MS;
  #doneAtMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: EntranceSettings) {
    this.#settings = settings;
    const bounds = { maxWaiting: settings.maxWaiting, maxBytes: settings.maxWaitingBytes };
    this.#lines = { attach: new FairLine(bounds), register: new FairLine(bounds) };
  }

  /** How many wait. */
  get waiting(): number {
    return this.#lines.attach.size + this.#lines.register.size;
  }

  /** @throws ToolgateError NODE_BUSY when no more of a client may wait: what leads to the entrance need not be done then. */
  check(arrival: Arrival, client: string): void {
    const line = this.#lines[arrival];
    if (!line.fits(0) && line.givesWay(client, 0) === undefined) throw this.#busy();
  }

  /**
   * Does something for a provider when it is its turn.
   *
   * @throws ToolgateError NODE_BUSY when too many wait, or it has waited for too long; what `work` throws.
   */
  async pass<T>(asked: Asked, work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#settings.maxUnderWay) await this.#wait(asked);
    else this.#underWay++;
    const startedMs = this.#settings.monotonicMs();
    try {
      return await work();
    } finally {
      this.#done(startedMs);
    }
  }

  /** Resolves when it is let in: then it counts as under way. */
  #wait({ arrival, client, bytes, whenGone }: Asked): Promise<void> {
    const { maxWaitMs, monotonicMs } = this.#settings;
    const line = this.#lines[arrival];
    while (!line.fits(bytes)) {
      const other = line.givesWay(client, bytes);
      if (other === undefined) return Promise.reject(this.#busy());
      other.refuse();
    }
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        client,
        bytes,
        untilMs: monotonicMs() + maxWaitMs,
        begin: resolve,
        refuse: () => line.delete(one) && reject(this.#busy()),
      };
      line.add(one);
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
    const next = this.#next();
    if (next === undefined) this.#underWay--;
    else next.begin(); // in the place of the one that is done
  }

  #next(): Waiting | undefined {
    const { attach, register } = this.#lines;
    const attaches = attach.size > 0 && (register.size === 0 || this.#attachedInARow < ATTACH_IN_A_ROW);
    this.#attachedInARow = attaches && register.size > 0 ? this.#attachedInARow + 1 : 0;
    return (attaches ? attach : register).next();
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
