import { FairQueue, type Waiter } from "../async/fair-queue.js";
import { isRedisUnavailable } from "../errors/redis-errors.js";

/** Something large that Redis is to be asked for; `bytes` is the most that is asked for at a time. */
export interface LargeReply extends Waiter {
  /** Asks for it, when it has left the line; rejects as Redis does. */
  begin(): Promise<void>;
  /** Redis is away: it is not asked for. Called in place of `begin`. */
  refuse(error: unknown): void;
}

/** For what large replies are read: a client, whose turn it takes, and which may leave. */
export interface ReplyReader {
  /** See `shareKey`. */
  readonly client: string;
  /** Aborted when the client waits no more. */
  readonly signal: AbortSignal;
}

/** The most bytes of large replies that are asked for at once and not there yet. */
const MOST_ASKED_BYTES = 524_288;

/**
 * What is read of Redis and may be large, in turns: all commands of a node go through one connection (to each master), in which a
 * reply is behind all that were asked for before it. So only so much is asked for at once, and the rest waits here, where clients
 * take turns. At most that much is before anything else that Redis is asked, and one reply more.
 */
export class ReplyQueue {
  readonly #queue = new FairQueue<LargeReply>();
  #askedBytes = 0;

  /** What was asked for and is not there yet, in bytes, at most. */
  get askedBytes(): number {
    return this.#askedBytes;
  }

  /** How many wait for their turns. */
  get waiting(): number {
    return this.#queue.size;
  }

  add(reply: LargeReply): void {
    this.#queue.add(reply);
    this.#next();
  }

  /** Lets one go that waits; false when it did not. */
  delete(reply: LargeReply): boolean {
    return this.#queue.delete(reply);
  }

  /**
   * Asks Redis for a reply of a bounded size in bytes, when its turn comes.
   *
   * @throws what `ask` throws; the signal's reason when that is aborted first; ToolgateError STORE_UNAVAILABLE also when Redis
   * went away before its turn came.
   */
  run<Answer>({ client, signal }: ReplyReader, bytes: number, ask: () => Promise<Answer>): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const leave = (): void => {
        this.delete(reply);
        reject(signal.reason);
      };
      const reply: LargeReply = {
        client,
        bytes,
        async begin() {
          try {
            resolve(await ask());
          } catch (error) {
            reject(error);
            throw error;
          } finally {
            signal.removeEventListener("abort", leave);
          }
        },
        refuse(error) {
          signal.removeEventListener("abort", leave);
          reject(error);
        },
      };
      signal.addEventListener("abort", leave, { once: true });
      this.add(reply);
    });
  }

  #next(): void {
    while (this.#askedBytes < MOST_ASKED_BYTES) {
      const reply = this.#queue.next();
      if (reply === undefined) return;
      void this.#start(reply);
    }
  }

  async #start(reply: LargeReply): Promise<void> {
    this.#askedBytes += reply.bytes;
    try {
      await reply.begin();
    } catch (error) {
      // One that stands still would be waited for repeatedly, and each time for as long as a command may take.
      if (isRedisUnavailable(error)) this.#refuseAll(error);
    } finally {
      this.#askedBytes -= reply.bytes;
      this.#next();
    }
  }

  #refuseAll(error: unknown): void {
    for (const reply of [...this.#queue]) if (this.#queue.delete(reply)) reply.refuse(error);
  }
}
