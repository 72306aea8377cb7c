import { ToolgateError } from "../errors/toolgate-error.js";

/** What a caller should wait when it has too many calls in flight, in milliseconds. */
const RETRY_MS = 200;

/** What one peer waits for. */
interface Peer {
  count: number;
  /** Counts one call out; the same function for all of them. */
  readonly leave: () => void;
}

/** Counts the calls that each peer waits for on this node, and the node's total. */
export class CallsInFlight {
  readonly #maxPerPeer: number;
  readonly #peers = new Map<string, Peer>();
  #total = 0;

  constructor(maxPerPeer: number) {
    this.#maxPerPeer = maxPerPeer;
  }

  get total(): number {
    return this.#total;
  }

  /** @throws ToolgateError LIMIT_EXCEEDED; otherwise the returned function must be called once, when the call is over. */
  enter(peer: string): () => void {
    const known = this.#peers.get(peer) ?? this.#join(peer);
    if (known.count >= this.#maxPerPeer) {
      throw new ToolgateError(
        "LIMIT_EXCEEDED",
        `this caller waits for ${known.count} calls, and may not wait for more; spread them over more nodes`,
        {
          retryAfterMs: RETRY_MS,
        },
      );
    }
    known.count++;
    this.#total++;
    return known.leave;
  }

  #join(name: string): Peer {
    const peer: Peer = {
      count: 0,
      leave: () => {
        this.#total--;
        if (--peer.count === 0) this.#peers.delete(name);
      },
    };
    this.#peers.set(name, peer);
    return peer;
  }
}
