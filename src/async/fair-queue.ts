/** One that waits. */
export interface Waiter {
  /** For which client. */
  readonly client: string;
  /** About what it holds, in bytes. */
  readonly bytes: number;
}

export interface FairQueueBounds {
  /** How many may wait. */
  readonly maxWaiting: number;
  /** What they may hold together, in bytes. */
  readonly maxBytes: number;
}

/** What waits for one client, in the order in which it came. */
interface Share<W> {
  readonly waiting: Set<W>;
  bytes: number;
}

/** Of a line whose waiters are counted elsewhere. */
const UNBOUNDED: FairQueueBounds = { maxWaiting: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY };

/**
 * A line in which clients take turns, so that one for which many wait holds up no other. Where it is bounded and full, the client
 * that fills most of it makes room for one that fills less.
 */
export class FairQueue<W extends Waiter> {
  readonly #bounds: FairQueueBounds;
  readonly #all = new Set<W>();
  /** In the order of their turns. */
  readonly #shares = new Map<string, Share<W>>();
  #bytes = 0;

  constructor(bounds: FairQueueBounds = UNBOUNDED) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#all.size;
  }

  /** All that wait, in the order in which they came. */
  [Symbol.iterator](): IterableIterator<W> {
    return this.#all.values();
  }

  /** Whether one more has room. @param most how many may wait, where that is less than the line's own bound. */
  fits(bytes: number, most = Number.POSITIVE_INFINITY): boolean {
    return this.size < Math.min(most, this.#bounds.maxWaiting) && this.#bytes + bytes <= this.#bounds.maxBytes;
  }

  /**
   * Which one should make room for one more of a client: the latest of the client that fills most, if that fills more than the
   * other would then. What waits alone for its client stays.
   */
  evictionCandidate(client: string, bytes: number): W | undefined {
    if (this.#shares.size === this.size) return undefined; // one for each
    const own = this.#shares.get(client);
    let most = this.#fill((own?.waiting.size ?? 0) + 1, (own?.bytes ?? 0) + bytes);
    let latest: W | undefined;
    for (const { waiting, bytes: held } of this.#shares.values()) {
      const fill = this.#fill(waiting.size, held);
      if (waiting.size === 1 || fill <= most) continue;
      most = fill;
      latest = [...waiting].at(-1);
    }
    return latest;
  }

  add(waiter: W): void {
    const share = this.#shares.get(waiter.client) ?? { waiting: new Set(), bytes: 0 };
    this.#shares.set(waiter.client, share);
    share.waiting.add(waiter);
    share.bytes += waiter.bytes;
    this.#all.add(waiter);
    this.#bytes += waiter.bytes;
  }

  /** Whether it was there. */
  delete(waiter: W): boolean {
    if (!this.#all.delete(waiter)) return false;
    this.#bytes -= waiter.bytes;
    const share = this.#shares.get(waiter.client);
    if (share === undefined) return true;
    share.bytes -= waiter.bytes;
    share.waiting.delete(waiter);
    if (share.waiting.size === 0) this.#shares.delete(waiter.client);
    return true;
  }

  /** Takes the one whose turn it is; then it is the turn of the other clients. */
  next(): W | undefined {
    const [turn] = this.#shares;
    if (turn === undefined) return undefined;
    const [client, share] = turn;
    const [first] = share.waiting;
    if (first === undefined) return undefined;
    this.#shares.delete(client);
    this.#shares.set(client, share);
    this.delete(first);
    return first;
  }

  /** How much of the line that is, of what there is least of. */
  #fill(waiting: number, bytes: number): number {
    return Math.max(waiting / this.#bounds.maxWaiting, bytes / this.#bounds.maxBytes);
  }
}
