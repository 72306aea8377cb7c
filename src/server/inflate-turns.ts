import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { ToolgateError } from "../errors/toolgate-error.js";

/** The encodings of a compressed message that are understood: those that grpc-js says to its peers that it takes. */
export type Encoding = "gzip" | "deflate";

const INFLATE = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const satisfies Record<Encoding, unknown>;

/** How many messages are inflated at once: each may hold twice what a message may have. */
const AT_ONCE = 2;
/** How much is inflated in one go, in bytes. */
const CHUNK_BYTES = 65_536;

interface Job {
  readonly message: Buffer;
  readonly encoding: Encoding;
  readonly wanted: () => boolean;
  readonly resolve: (inflated: Buffer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Inflates compressed messages, a few at once: a message of a few thousand bytes may become one of the largest size, and a peer
 * can send any number of them. Connections take turns, so that one that sends many does not hold up the others.
 */
export class InflateTurns {
  readonly #maxBytes: number;
  readonly #waiting = new Map<object, Job[]>();
  #running = 0;

  /** @param maxBytes how large an inflated message may be. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Inflates a message of a connection, when its turn comes; never, if it is not wanted any more by then.
   *
   * @param wanted whether anybody still waits for it
   * @throws ToolgateError INVALID_REQUEST when it cannot be inflated, MESSAGE_TOO_LARGE when it becomes too large
   */
  inflate(connection: object, message: Buffer, encoding: Encoding, wanted: () => boolean): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const job = { message, encoding, wanted, resolve, reject };
      const others = this.#waiting.get(connection);
      if (others === undefined) this.#waiting.set(connection, [job]);
      else others.push(job);
      this.#next();
    });
  }

  /** A connection is gone: what waits of it is not inflated any more. */
  forget(connection: object): void {
    this.#waiting.delete(connection);
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const [turn] = this.#waiting;
      if (turn === undefined) return;
      const [connection, jobs] = turn;
      this.#waiting.delete(connection);
      const job = jobs.shift();
      if (jobs.length > 0) this.#waiting.set(connection, jobs); // behind the others
      if (job?.wanted()) void this.#run(job);
    }
  }

  async #run({ message, encoding, resolve, reject }: Job): Promise<void> {
    this.#running++;
    try {
      resolve(await INFLATE[encoding](message, { maxOutputLength: this.#maxBytes, chunkSize: CHUNK_BYTES }));
    } catch (cause) {
      reject(this.#refusal(cause));
    } finally {
      this.#running--;
      this.#next();
    }
  }

  #refusal(cause: unknown): ToolgateError {
    const { code } = cause as NodeJS.ErrnoException; // what zlib fails with
    if (code === "ERR_BUFFER_TOO_LARGE") {
      const message = `the message inflates to more than ${this.#maxBytes} bytes: send less at once`;
      return new ToolgateError("MESSAGE_TOO_LARGE", message, { executed: "no", cause });
    }
    return new ToolgateError("INVALID_REQUEST", `the message cannot be inflated (${code})`, { executed: "no", cause });
  }
}
