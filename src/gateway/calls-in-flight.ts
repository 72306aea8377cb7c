import { ToolgateError } from "../errors/toolgate-error.js";

/** What a caller should wait when it has too many calls in flight, in milliseconds. */
const RETRY_MS = 200;

/** Counts the calls that each peer waits for on this node, and the node's total. */
export class CallsInFlight {
  readonly #maxPerPeer: number;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer;
  }

  get total(): number {
    return this.#total;
  }

  /** @throws ToolgateError LIMIT_EXCEEDED; otherwise the returned function must be called once, when the call is over. */
  enter(peer: string): () => void {
    const count = this.#counts.get(peer) ?? 0;
    if (count >= this.#maxPerPeer) {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `this connection waits for ${count} calls, and may not wait for more; spread them over more nodes`,
        {
          retryAfterMs: RETRY_MS,
        },
      );
    }
    this.#counts.set(peer, count + 1);
    this.#total++;
    return () => {
      this.#total--;
      const left = (this.#counts.get(peer) ?? 1) - 1;
      if (left === 0) this.#counts.delete(peer);
      else this.#counts.set(peer, left);
    };
  }
}
