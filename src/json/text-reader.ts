import type { Steps } from "../async/steps.js";
import { TimeSlice } from "../async/time-slice.js";
import { type JsonLimits, type ReadJson, readJson, readJsonSteps } from "./read-json.js";

/** For whom a text is read, and how long that is of use. */
export interface TextRequester {
  /** Whose texts are read one after the other: a connection, or a principal. */
  readonly client: string;
  /** How long the text is of use, in milliseconds; without a limit when undefined. */
  readonly withinMs?: number | undefined;
  /** Whether nothing waits for it any more; asked between steps. */
  readonly isUnneeded?: () => boolean;
  /** Whether it waits however much waits already: what it comes on is not read on meanwhile. */
  readonly holdsItsStream?: true;
}

/** A text that was not read, and why: too much waits already, its time ran out, or nothing waits for it. */
export interface UnreadText {
  readonly kind: "unread";
  readonly why: "busy" | "late" | "left";
}

export interface TextReaderSettings {
  /** Milliseconds that only go forward. */
  readonly monotonicMs: () => number;
  /** The host of a client, by the client's name; one for all unless said. */
  readonly hostOf?: (client: string) => string;
  /** How many bytes the texts that wait may have, in all and of one client; where none of a client waits, one always may. */
  readonly maxWaitingBytes?: number;
  readonly maxWaitingBytesPerClient?: number;
}

/** Longer texts are read in steps, in bytes. A shorter one takes 2 ms at most, and 100 µs mostly. */
const MOST_AT_ONCE_BYTES = 32_768;
/** How long small texts are read at once in one turn, with what is done with them, in milliseconds. */
const AT_ONCE_MS = 10;
const MAX_WAITING_BYTES = 96 * 1_048_576;
const MAX_WAITING_BYTES_PER_CLIENT = 32 * 1_048_576;

/** The texts of a client that are read in steps. */
interface Line {
  bytes: number;
  texts: number;
  /** Settles when the last of them is read. */
  last: Promise<unknown>;
}

/**
 * Reads JSON from untrusted bytes, without holding up other work.
 *
 * A small text is read at once. A long one is read in steps, a few milliseconds of them in a turn of the event loop, and so is
 * whatever comes when the time of a turn is used up: a thousand small texts at once hold up others as one long text does. Hosts
 * take turns, and the clients of each; of a client, one text is read after the other.
 */
export class TextReader {
  /** The time for texts that are read at once, and what is done with them; and for steps. */
  readonly #atOnce: TimeSlice;
  readonly #slice: TimeSlice;
  readonly #monotonicMs: () => number;
  readonly #hostOf: (client: string) => string;
  readonly #maxBytes: number;
  readonly #maxBytesPerClient: number;
  readonly #lines = new Map<string, Line>();
  #bytes = 0;

  constructor({ monotonicMs, hostOf, maxWaitingBytes, maxWaitingBytesPerClient }: TextReaderSettings) {
    this.#monotonicMs = monotonicMs;
    this.#hostOf = hostOf ?? (() => "");
    this.#atOnce = new TimeSlice(monotonicMs, AT_ONCE_MS);
    this.#slice = new TimeSlice(monotonicMs);
    this.#maxBytes = maxWaitingBytes ?? MAX_WAITING_BYTES;
    this.#maxBytesPerClient = maxWaitingBytesPerClient ?? MAX_WAITING_BYTES_PER_CLIENT;
  }

  /** How many bytes the texts have that are read in steps now, or wait for that. */
  get waitingBytes(): number {
    return this.#bytes;
  }

  /**
   * Reads a text as `readJson` does.
   *
   * @param requester asked for where the text is not read at once.
   * @returns a promise where it is not; it does not reject.
   */
  read(
    bytes: Uint8Array,
    limits: JsonLimits,
    requester: () => TextRequester,
  ): ReadJson | Promise<ReadJson | UnreadText> {
    if (bytes.length <= MOST_AT_ONCE_BYTES && !this.#atOnce.spent()) return readJson(bytes, limits);
    return this.#inLine(bytes, limits, requester());
  }

  async #inLine(bytes: Uint8Array, limits: JsonLimits, requester: TextRequester): Promise<ReadJson | UnreadText> {
    const { client } = requester;
    const line = this.#lines.get(client) ?? { bytes: 0, texts: 0, last: Promise.resolve() };
    const { length } = bytes;
    const isTooMuch = line.bytes + length > this.#maxBytesPerClient || this.#bytes + length > this.#maxBytes;
    if (isTooMuch && line.texts > 0 && requester.holdsItsStream !== true) return unread("busy");
    this.#lines.set(client, line);
    line.texts++;
    line.bytes += length;
    this.#bytes += length;
    const sinceMs = this.#monotonicMs();
    const reading = line.last.then(() => this.#inSteps(readJsonSteps(bytes, limits), requester, sinceMs));
    line.last = reading;
    const read = await reading;
    line.bytes -= length;
    this.#bytes -= length;
    if (--line.texts === 0) this.#lines.delete(client);
    return read;
  }

  /** Reads on while there is time in a turn; what is done with the text afterwards has a turn with time too. */
  async #inSteps(
    steps: Steps<ReadJson>,
    { client, withinMs, isUnneeded }: TextRequester,
    sinceMs: number,
  ): Promise<ReadJson | UnreadText> {
    const host = this.#hostOf(client);
    for (let read: ReadJson | undefined; ; ) {
      if (this.#slice.over()) await this.#slice.next(host);
      if (read !== undefined) return read;
      if (isUnneeded?.()) return unread("left");
      if (withinMs !== undefined && this.#monotonicMs() - sinceMs >= withinMs) return unread("late");
      const { done, value } = steps.next();
      if (done) read = value;
    }
  }
}

function unread(why: UnreadText["why"]): UnreadText {
  return { kind: "unread", why };
}
