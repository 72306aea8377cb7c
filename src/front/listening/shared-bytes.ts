/** What bytes are counted for: a stream. */
interface Holder {
  /** Adds to what is counted; a negative number subtracts. */
  count(bytes: number): void;
}

/**
 * Bytes that are there once, and that several streams keep there: an answer that many calls are given. They count for one of the
 * streams at a time, and for the next one when that has sent them or is over, until none is left.
 */
export class SharedBytes {
  /** How many of the bytes each stream still has to send, in the order in which they came. */
  readonly #holders = new Map<Holder, number>();
  #counted: Holder | undefined;
  #isPassing = false;

  /** A stream has `bytes` of them to send. It may be ended by that. */
  add(stream: Holder, bytes: number): void {
    this.#holders.set(stream, bytes);
    this.#pass();
  }

  /** A stream has sent them, or is over. Idempotent. */
  remove(stream: Holder): void {
    const bytes = this.#holders.get(stream);
    if (bytes === undefined) return;
    this.#holders.delete(stream);
    if (this.#counted !== stream) return;
    this.#counted = undefined;
    stream.count(-bytes);
    this.#pass();
  }

  /** Counts them for the first of the streams. That may end it, and so on: in a loop, since there may be thousands. */
  #pass(): void {
    if (this.#isPassing) return;
    this.#isPassing = true;
    while (this.#counted === undefined) {
      const [first] = this.#holders;
      if (first === undefined) break;
      const [stream, bytes] = first;
      this.#counted = stream;
      stream.count(bytes);
    }
    this.#isPassing = false;
  }
}
