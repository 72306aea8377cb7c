import { FairQueue, type Waiter } from "../async/fair-queue.js";
import { SlicedStarts } from "../async/sliced-starts.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { AdmissionRate } from "./admission-rate.js";
import { RetrySlots } from "./retry-slots.js";

/** What a provider asks admission for: a new lease, or a session on the lease that it has. */
export type Arrival = "register" | "attach";

export interface AdmissionPacingSettings {
  /** How many are admitted at once, until each is done. */
  readonly maxUnderWay: number;
  /** How many may wait of each kind. */
  readonly maxWaiting: number;
  /** What those of one kind that wait may hold together, in bytes. */
  readonly maxWaitingBytes: number;
  /** How long one of each kind may wait, in milliseconds; less than providers wait for an answer. */
  readonly maxWaitMs: Readonly<Record<Arrival, number>>;
  readonly monotonicMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** The share of the time, from 0 to 1, for which the event loop was busy since this was asked last. */
  readonly busyShare: () => number;
}

/** One that comes. */
export interface Applicant {
  readonly arrival: Arrival;
  /** Whose share of the queue it takes: the provider's connection. */
  readonly client: string;
  /** How long it will wait for an answer, in milliseconds; absent where it did not say. */
  readonly patienceMs?: number | undefined;
}

/** Something that is asked for, before it is its turn. */
export interface AdmissionRequest extends Applicant {
  /** About what it holds while it waits. */
  readonly bytes: number;
  /** Registers a listener for when its peer has gone; it is not begun then. */
  readonly whenGone: (listener: () => void) => void;
}

/** One that waits. */
interface Waiting extends Waiter {
  /** Admits it, when it has left the line. */
  readonly begin: () => void;
  readonly refuse: () => void;
  /** When it has waited for long enough, by the monotonic clock. */
  readonly untilMs: number;
}

/** What waits of one kind, and how fast that line moves. */
interface Queue {
  readonly line: FairQueue<Waiting>;
  /** What comes, before it is looked at. */
  readonly starts: SlicedStarts;
  /** When those of this line that are refused are to come again. */
  readonly retrySlots: RetrySlots;
  /** How long it takes from one that is admitted to the next one, in milliseconds: a running mean. */
  turnMs: number;
  /** When one of this line was admitted last; undefined once it was empty. */
  lastMs: number | undefined;
}

/** What is assumed of how long a turn takes until that was measured, in milliseconds. */
const FIRST_TURN_MS = 10;
/** The share of the newest in the running mean of that. */
const NEWEST_SHARE = 0.05;
/** The longest that one is asked to stay away, in milliseconds; one that has a lease is to be attached before that ends. */
const MAX_RETRY_MS: Readonly<Record<Arrival, number>> = { attach: 5_000, register: 60_000 };
/** The share of the time that one waits for its answer that may pass before it is admitted. */
const WAITED_SHARE = 0.8;
/** The most in a row that attach before one that registers is admitted. */
const ATTACH_IN_A_ROW = 3;

/**
 * Paces what providers ask of a node when many come at once, as in a deployment or after an outage: some are under way, some wait
 * in line, and all others are refused, each with a time of its own to come again. So the work of those that were admitted is done
 * before they give up, Redis and the node have time for all other work, and nothing is done for a provider that has gone.
 *
 * A line is no longer than what is admitted while one may wait: one that would wait in vain is refused at once. How fast they are
 * admitted is a matter of what else the node has to do; see admission-rate.ts.
 *
 * Those that attach go first, as a rule: they have registered already, and until they are attached their leases are for nothing.
 * Clients take turns, and none of them fills a line so that others find no place; see fair-queue.ts.
 */
export class AdmissionPacing {
  readonly #settings: AdmissionPacingSettings;
  readonly #queues: Readonly<Record<Arrival, Queue>>;
  readonly #rate: AdmissionRate;
  #underWay = 0;
  #attachedInARow = 0;
  /** Refuses what has waited for too long. */
  #timeout: NodeJS.Timeout | undefined;
  /** Admits the next one. */
  #turn: NodeJS.Timeout | undefined;

  constructor(settings: AdmissionPacingSettings) {
    this.#settings = settings;
    const bounds = { maxWaiting: settings.maxWaiting, maxBytes: settings.maxWaitingBytes };
    const queue = (maxRetryMs: number): Queue => ({
      line: new FairQueue(bounds),
      starts: new SlicedStarts(settings.monotonicMs),
      retrySlots: new RetrySlots(maxRetryMs, settings.random),
      turnMs: FIRST_TURN_MS,
      lastMs: undefined,
    });
    this.#queues = { attach: queue(MAX_RETRY_MS.attach), register: queue(MAX_RETRY_MS.register) };
    this.#rate = new AdmissionRate(settings);
  }

  /** How many wait. */
  get waiting(): number {
    return this.#queues.attach.line.size + this.#queues.register.line.size;
  }

  /**
   * Looks at one that comes, before anything is done for it: in the same turn of the event loop only as many as that has time for.
   *
   * @throws ToolgateError NODE_BUSY when no more of its client may wait: what leads to `run` need not be done then.
   */
  async check(applicant: Applicant): Promise<void> {
    const { line, starts } = this.#queues[applicant.arrival];
    const start = starts.begin();
    if (start !== undefined) await start;
    if (!line.fits(0, this.#most(applicant)) && line.evictionCandidate(applicant.client, 0) === undefined)
      throw this.#busy(applicant.arrival);
  }

  /**
   * Does something for a provider when it is its turn.
   *
   * @throws ToolgateError NODE_BUSY when too many wait, or it has waited for too long; what `work` throws.
   */
  async run<T>(asked: AdmissionRequest, work: () => Promise<T>): Promise<T> {
    const start = this.#queues[asked.arrival].starts.begin();
    if (start !== undefined) await start;
    const { monotonicMs, maxUnderWay } = this.#settings;
    const nowMs = monotonicMs();
    if (this.#underWay < maxUnderWay && this.waiting === 0 && this.#rate.waitMs(nowMs) === 0) this.#admitted(nowMs);
    else await this.#wait(asked);
    try {
      return await work();
    } finally {
      this.#underWay--;
      this.#next();
    }
  }

  /** How many may wait so that one that comes now is admitted before it, or the node, loses patience. */
  #most({ arrival, patienceMs = Number.POSITIVE_INFINITY }: Applicant): number {
    const waitMs = Math.min(this.#settings.maxWaitMs[arrival], patienceMs * WAITED_SHARE);
    return Math.max(1, waitMs / this.#queues[arrival].turnMs);
  }

  #admitted(nowMs: number): void {
    this.#underWay++;
    this.#rate.admitted(nowMs);
  }

  /** Resolves when it is admitted: then it counts as under way. */
  #wait(asked: AdmissionRequest): Promise<void> {
    const { arrival, client, bytes, whenGone } = asked;
    const { line } = this.#queues[arrival];
    while (!line.fits(bytes, this.#most(asked))) {
      const other = line.evictionCandidate(client, bytes);
      if (other === undefined) return Promise.reject(this.#busy(arrival));
      other.refuse();
    }
    return new Promise((resolve, reject) => {
      const one: Waiting = {
        client,
        bytes,
        untilMs: this.#settings.monotonicMs() + this.#settings.maxWaitMs[arrival],
        begin: resolve,
        refuse: () => line.delete(one) && reject(this.#busy(arrival)),
      };
      line.add(one);
      whenGone(() => one.refuse());
      this.#watch();
      this.#next();
    });
  }

  /** Admits as many as may be admitted now. */
  #next(): void {
    const { monotonicMs, maxUnderWay } = this.#settings;
    while (this.#underWay < maxUnderWay && this.waiting > 0) {
      const nowMs = monotonicMs();
      const waitMs = this.#rate.waitMs(nowMs);
      if (waitMs > 0) {
        this.#nextIn(waitMs);
        return;
      }
      this.#admitted(nowMs);
      this.#take(nowMs)?.begin();
    }
  }

  #nextIn(ms: number): void {
    if (this.#turn !== undefined) return;
    this.#turn = setTimeout(() => {
      this.#turn = undefined;
      this.#next();
    }, ms).unref();
  }

  /** Takes the one whose turn it is out of its line. */
  #take(nowMs: number): Waiting | undefined {
    const { attach, register } = this.#queues;
    const attaches = attach.line.size > 0 && (register.line.size === 0 || this.#attachedInARow < ATTACH_IN_A_ROW);
    this.#attachedInARow = attaches && register.line.size > 0 ? this.#attachedInARow + 1 : 0;
    const queue = attaches ? attach : register;
    if (queue.lastMs !== undefined) queue.turnMs += (nowMs - queue.lastMs - queue.turnMs) * NEWEST_SHARE;
    const next = queue.line.next();
    queue.lastMs = queue.line.size === 0 ? undefined : nowMs;
    return next;
  }

  /** Refuses those that have waited for too long, while any wait. */
  #watch(): void {
    if (this.#timeout !== undefined || this.waiting === 0) return;
    const { monotonicMs } = this.#settings;
    const lines = Object.values(this.#queues).map(({ line }) => line);
    const firsts = lines.flatMap(([first]) => (first === undefined ? [] : [first.untilMs]));
    this.#timeout = setTimeout(
      () => {
        this.#timeout = undefined;
        const nowMs = monotonicMs();
        for (const line of lines) {
          for (const one of line) {
            if (one.untilMs > nowMs) break; // in the order in which they came
            one.refuse();
          }
        }
        this.#watch();
      },
      Math.max(1, Math.min(...firsts) - monotonicMs()),
    );
    this.#timeout.unref();
  }

  /** Gives one that is refused a turn of its own, when half of those that wait will have been admitted. */
  #busy(arrival: Arrival): ToolgateError {
    const { line, retrySlots, turnMs } = this.#queues[arrival];
    const retryAfterMs = retrySlots.next(this.#settings.monotonicMs(), (line.size * turnMs) / 2, turnMs);
    return new ToolgateError(
      "NODE_BUSY",
      `${this.waiting} providers wait for this node to let them in; attach to another one, or come again in ${retryAfterMs} ms`,
      { retryAfterMs },
    );
  }
}
