/** The most messages that one frame carries; a lower cap costs throughput, a higher one latency. */
const MAX_FRAME_MESSAGES = 64;
/** The most bytes of messages that one frame carries, unless a single message is larger. */
const MAX_FRAME_BYTES = 128 * 1_024;
/** About what a frame of its own takes, in bytes: small, but a peer can make a node send any number of them. */
const OWN_FRAME_BYTES = 128;

/** How long a message that is not urgent is kept back to share a frame, in milliseconds. */
const LINGER_MS = 5;

/** Waiting bytes above which producers that can wait should. */
const SATURATED_BYTES = 2 * 1_048_576;

/** A stream that takes frames, as the gRPC adaptor gives it. */
export interface FrameSink<Frame> {
  /** Sends a frame of about this many bytes; false when its buffer is full, and the next one should wait for `drained`. */
  send(frame: Frame, bytes: number): boolean;
  drained(): Promise<void>;
  /**
   * Hears how many bytes more wait to be sent, and how many, negative, do not any more, although they were not: for a bound on
   * all that a node holds. The bytes of a frame that was sent are the sink's to count out.
   */
  holds(bytes: number): void;
}

/** The keys of a frame that hold lists of messages. */
type ListKey<Frame> = {
  [K in keyof Frame]-?: NonNullable<Frame[K]> extends readonly unknown[] ? K : never;
}[keyof Frame];
type Item<Frame, K extends keyof Frame> = NonNullable<Frame[K]> extends readonly (infer T)[] ? T : never;

/**
 * Gathers what is produced for a stream at once, by one callback and the promises that it settles, into as few frames as
 * possible, in order per key.
 *
 * A peer that does not read fills the writer's budget; then `onOverflow` is called, once, since memory is
 * shared by all.
 */
export class FrameWriter<Frame extends object> {
  readonly #sink: FrameSink<Frame>;
  readonly #onOverflow: () => void;
  readonly #onRoom: () => void;
  readonly #queue: { readonly frame: Frame; readonly bytes: number; readonly owed: number }[] = [];
  #frame: Record<PropertyKey, unknown[]> = {};
  #messages = 0;
  #bytes = 0;
  #queuedBytes = 0;
  readonly #budgetBytes: number;
  /** Of the bytes that wait, those that the peer is owed: of the frame that is gathered, and of all. */
  #owedInFrame = 0;
  #owedBytes = 0;
  #scheduled = false;
  #lingering: NodeJS.Timeout | undefined;
  #blocked = false;
  #wasSaturated = false;
  #onSent: (() => void) | undefined;
  #closed = false;

  /** @param onRoom called when the writer is not saturated any more. */
  constructor(sink: FrameSink<Frame>, budgetBytes: number, onOverflow: () => void, onRoom: () => void = () => {}) {
    this.#sink = sink;
    this.#budgetBytes = budgetBytes;
    this.#onOverflow = onOverflow;
    this.#onRoom = onRoom;
  }

  /** Whether producers that can wait should. */
  get saturated(): boolean {
    return this.queuedBytes > SATURATED_BYTES;
  }

  /** Bytes that wait for the peer to read. */
  get queuedBytes(): number {
    return this.#queuedBytes + this.#bytes;
  }

  /** Adds a message to the list of that key; `bytes` is about its size. It goes out at once, with what is pushed at once. */
  push<K extends ListKey<Frame>>(key: K, message: Item<Frame, K>, bytes: number): void {
    this.#add(key, message, bytes);
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    process.nextTick(() => {
      this.#scheduled = false;
      this.flush();
    });
  }

  /** The same for what the peer is owed at any rate: it is not held against it that this waits. */
  pushOwed<K extends ListKey<Frame>>(key: K, message: Item<Frame, K>, bytes: number): void {
    this.#owedBytes += bytes;
    this.push(key, message, bytes);
    this.#owedInFrame += bytes;
  }

  /** The same for a message that is not urgent: it goes with the next one, or a little later. A frame costs two processes. */
  pushPatiently<K extends ListKey<Frame>>(key: K, message: Item<Frame, K>, bytes: number): void {
    this.#add(key, message, bytes);
    if (this.#scheduled || this.#closed) return;
    this.#lingering ??= setTimeout(() => this.flush(), LINGER_MS);
  }

  #add(key: PropertyKey, message: unknown, bytes: number): void {
    if (this.#closed) return;
    if (this.#messages >= MAX_FRAME_MESSAGES || (this.#messages > 0 && this.#bytes + bytes > MAX_FRAME_BYTES))
      this.#seal();
    const list = this.#frame[key];
    if (list === undefined) this.#frame[key] = [message];
    else list.push(message);
    this.#messages++;
    this.#bytes += bytes;
    this.#sink.holds(bytes);
    this.#checkBudget();
  }

  /** Sends a frame of its own, after what was pushed before. */
  sendNow(frame: Frame): void {
    if (this.#closed) return;
    this.#seal();
    this.#queue.push({ frame, bytes: OWN_FRAME_BYTES, owed: 0 });
    this.#queuedBytes += OWN_FRAME_BYTES;
    this.#sink.holds(OWN_FRAME_BYTES);
    this.#write();
    this.#checkBudget();
  }

  /** Sends what was pushed. */
  flush(): void {
    this.#seal();
    this.#write();
  }

  /** Calls back once all that was pushed has been sent; not at all if the writer is closed before. */
  onceSent(callback: () => void): void {
    if (this.#closed) return;
    this.#onSent = callback;
    this.flush();
  }

  /** Forgets what was not sent; nothing is sent any more. */
  close(): void {
    this.#closed = true;
    if (this.queuedBytes > 0) this.#sink.holds(-this.queuedBytes);
    clearTimeout(this.#lingering);
    this.#onSent = undefined;
    this.#frame = {};
    this.#queue.length = 0;
    this.#messages = this.#bytes = this.#queuedBytes = this.#owedInFrame = this.#owedBytes = 0;
  }

  #checkBudget(): void {
    if (this.saturated) this.#wasSaturated = true;
    if (this.queuedBytes - this.#owedBytes <= this.#budgetBytes) return;
    this.close();
    this.#onOverflow();
  }

  #seal(): void {
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    if (this.#messages === 0) return;
    // built by `push`, key by key
    this.#queue.push({ frame: this.#frame as Frame, bytes: this.#bytes, owed: this.#owedInFrame });
    this.#queuedBytes += this.#bytes;
    this.#frame = {};
    this.#messages = this.#bytes = this.#owedInFrame = 0;
  }

  #write(): void {
    while (!this.#blocked) {
      if (this.#wasSaturated && !this.saturated) {
        this.#wasSaturated = false;
        this.#onRoom();
      }
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.#queuedBytes -= next.bytes;
      this.#owedBytes -= next.owed;
      if (this.#sink.send(next.frame, next.bytes)) continue;
      this.#blocked = true;
      void this.#sink.drained().then(() => {
        this.#blocked = false;
        this.#write();
      });
    }
    if (this.#queue.length > 0 || this.#onSent === undefined) return;
    const tell = this.#onSent;
    this.#onSent = undefined;
    tell();
  }
}
