import { promisify } from "node:util";
import { gunzip, inflate } from "node:zlib";
import { ToolgateError } from "../../errors/toolgate-error.js";

/** The encodings of a compressed message that are understood: those that grpc-js says to its peers that it takes. */
export type Encoding = "gzip" | "deflate";

const INFLATE = { gzip: promisify(gunzip), deflate: promisify(inflate) } as const satisfies Record<Encoding, unknown>;

/** How many messages are inflated at once: each may hold twice what a message may have. */
const AT_ONCE = 2;
/** What a connection may have inflated and not looked at when its next message is begun, in bytes: small ones wait for nothing. */
const MOST_UNSEEN_BYTES = 65_536;
/** How much is inflated in one go, in bytes. */
const CHUNK_BYTES = 65_536;

/** An inflated message. */
export interface Inflated {
  readonly message: Buffer;
  /** To be called when it was looked at, or its stream is over: the next one of its connection is inflated then. Idempotent. */
  readonly letGo: () => void;
}

interface Job {
  readonly stream: object;
  readonly message: Buffer;
  readonly encoding: Encoding;
  readonly maxBytes: number;
  readonly resolve: (inflated: Inflated) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Inflates compressed messages, a few at once: a message of a few thousand bytes may become one of the largest size, and a peer
 * can send any number of them. Connections take turns, so that one that sends many does not hold up the others.
 *
 * Of one connection a single large message is there inflated at a time, until it was looked at: how much a node holds for a
 * connection, and so whether it is ended for that, depends on what it sends and not on how busy the node is.
 */
export class InflateTurns {
  readonly #maxBytes: number;
  /** By connection, in the order of their turns. */
  readonly #waiting = new Map<object, Set<Job>>();
  /** The same by stream. */
  readonly #byStream = new Map<object, Set<Job>>();
  /** By connection, how much of it is inflated and not looked at; while one is being inflated, as much as that may become. */
  readonly #unseen = new Map<object, number>();
  #running = 0;

  /** @param maxBytes how large an inflated message may be. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** How many messages wait for their turn. */
  get waiting(): number {
    let count = 0;
    for (const jobs of this.#waiting.values()) count += jobs.size;
    return count;
  }

  /**
   * Inflates a message of a connection's stream, when its turn comes; never, if the stream was forgotten by then.
   *
   * @param maxBytes how large it may become; as large as any unless said
   * @throws ToolgateError INVALID_REQUEST when it cannot be inflated, MESSAGE_TOO_LARGE when it becomes too large
   */
  inflate(
    connection: object,
    stream: object,
    message: Buffer,
    encoding: Encoding,
    maxBytes: number = this.#maxBytes,
  ): Promise<Inflated> {
    return new Promise((resolve, reject) => {
      const job = { stream, message, encoding, maxBytes, resolve, reject };
      add(this.#waiting, connection, job);
      add(this.#byStream, stream, job);
      this.#next();
    });
  }

  /** A stream is over: what waits of it is let go of, and not inflated any more. */
  forget(connection: object, stream: object): void {
    for (const job of this.#byStream.get(stream) ?? []) this.#remove(connection, job);
  }

  #next(): void {
    while (this.#running < AT_ONCE) {
      const turn = this.#turn();
      if (turn === undefined) return;
      const { connection, jobs, job } = turn;
      this.#remove(connection, job);
      if (this.#waiting.delete(connection)) this.#waiting.set(connection, jobs); // behind the others
      void this.#run(connection, job);
    }
  }

  /** The next message of the first connection of which nothing large is there already. */
  #turn(): { readonly connection: object; readonly jobs: Set<Job>; readonly job: Job } | undefined {
    for (const [connection, jobs] of this.#waiting) {
      const [job] = jobs;
      if (job !== undefined && (this.#unseen.get(connection) ?? 0) <= MOST_UNSEEN_BYTES)
        return { connection, jobs, job };
    }
    return undefined;
  }

  #remove(connection: object, job: Job): void {
    remove(this.#waiting, connection, job);
    remove(this.#byStream, job.stream, job);
  }

  async #run(connection: object, { message, encoding, maxBytes, resolve, reject }: Job): Promise<void> {
    this.#running++;
    this.#see(connection, maxBytes);
    let unseen = 0;
    try {
      const inflated = await INFLATE[encoding](message, { maxOutputLength: maxBytes, chunkSize: CHUNK_BYTES });
      unseen = inflated.length;
      const letGo = (): void => {
        this.#see(connection, -unseen);
        unseen = 0;
        this.#next();
      };
      resolve({ message: inflated, letGo });
    } catch (cause) {
      reject(refusal(cause, maxBytes));
    } finally {
      this.#running--;
      this.#see(connection, unseen - maxBytes);
      this.#next();
    }
  }

  #see(connection: object, bytes: number): void {
    const unseen = (this.#unseen.get(connection) ?? 0) + bytes;
    if (unseen === 0) this.#unseen.delete(connection);
    else this.#unseen.set(connection, unseen);
  }
}

function refusal(cause: unknown, maxBytes: number): ToolgateError {
  const { code } = cause as NodeJS.ErrnoException; // what zlib fails with
  if (code === "ERR_BUFFER_TOO_LARGE") {
    const message = `the message inflates to more than ${maxBytes} bytes: send less at once`;
    return new ToolgateError("MESSAGE_TOO_LARGE", message, { executed: "no", cause });
  }
  return new ToolgateError("INVALID_REQUEST", `the message cannot be inflated (${code})`, { executed: "no", cause });
}

function add(jobs: Map<object, Set<Job>>, of: object, job: Job): void {
  const others = jobs.get(of);
  if (others === undefined) jobs.set(of, new Set([job]));
  else others.add(job);
}

function remove(jobs: Map<object, Set<Job>>, of: object, job: Job): void {
  const others = jobs.get(of);
  others?.delete(job);
  if (others?.size === 0) jobs.delete(of);
}
