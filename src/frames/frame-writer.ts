/** The most messages that one frame carries; a lower cap costs throughput, a higher one latency. */
const MAX_FRAME_MESSAGES = 64;
/** The most bytes of messages that one frame carries, unless a single message is larger. */
const MAX_FRAME_BYTES = 128 * 1_024;
/** About what a frame of its own takes, in bytes: small, but a peer can make a node send any number of them. */
const OWN_FRAME_BYTES = 128;
/** How long a message that is not urgent is kept back to share a frame, in milliseconds. */
const LINGER_MS = 5;

/** A message for a frame. */
export interface FrameItem {
  /** About its size. */
  readonly bytes: number;
}

/** A stream that takes frames. */
export interface FrameSink<Frame> {
  /** Sends a frame of about this many bytes; false when its buffer is full, and the next one should wait for `drained`. */
  send(frame: Frame, bytes: number): boolean;
  drained(): Promise<void>;
  /**
   * Hears how many bytes more wait to be sent, and how many, negative, do not any more, although they were not: for a bound on
   * all that a node holds. The bytes of a frame that was sent are the sink's to count out.
   */
  holds?(bytes: number): void;
}

export interface FrameWriterSettings<Item extends FrameItem, Frame> {
  readonly sink: FrameSink<Frame>;
  /** Builds a frame when it is sent; the array is the frame's to keep. */
  readonly frameOf: (items: readonly Item[]) => Frame;
  /** Runs the callback once what is produced at once has been pushed: `process.nextTick`, or `setImmediate` for all of a turn. */
  readonly schedule: (flush: () => void) => unknown;
  /** Waiting bytes above which producers that can wait should. */
  readonly saturatedBytes: number;
  /** Called when the writer is not saturated any more. */
  readonly onRoom?: () => void;
  /** What may wait for a peer that does not read, in bytes; without a bound where it is absent. */
  readonly budgetBytes?: number;
  /** Called once when the budget is exceeded: the writer has been closed. */
  readonly onOverflow?: () => void;
}

/** What waits for the sink: messages of one frame, or a frame of its own. */
type Batch<Item, Frame> =
  | { readonly items: Item[]; readonly frame?: undefined; readonly bytes: number; readonly unbudgetedBytes: number }
  | { readonly items?: undefined; readonly frame: Frame; readonly bytes: number; readonly unbudgetedBytes: 0 };

/**
 * Gathers the messages that are produced for a stream at once into as few frames as possible, in order, and stops while the stream
 * is full. Sessions with frames of many messages are three to five times faster than with one message per frame.
 *
 * Memory is shared by all peers: one that does not read fills its writer's budget, and the writer then closes itself.
 */
export class FrameWriter<Item extends FrameItem, Frame> {
  readonly #sink: FrameSink<Frame>;
  readonly #frameOf: (items: readonly Item[]) => Frame;
  readonly #schedule: (flush: () => void) => unknown;
  readonly #saturatedBytes: number;
  readonly #budgetBytes: number;
  readonly #onRoom: (() => void) | undefined;
  readonly #onOverflow: (() => void) | undefined;
  readonly #batches: Batch<Item, Frame>[] = [];
  /** The next frame, while it is gathered. */
  #items: Item[] = [];
  #itemBytes = 0;
  #unbudgetedItemBytes = 0;
  /** Of all that waits. */
  #queuedBytes = 0;
  #unbudgetedBytes = 0;
  #scheduled = false;
  #lingering: NodeJS.Timeout | undefined;
  #blocked = false;
  #wasSaturated = false;
  #onDrained: (() => void) | undefined;
  #closed = false;
  readonly #flushScheduled = (): void => {
    this.#scheduled = false;
    this.flush();
  };

  constructor(settings: FrameWriterSettings<Item, Frame>) {
    this.#sink = settings.sink;
    this.#frameOf = settings.frameOf;
    this.#schedule = settings.schedule;
    this.#saturatedBytes = settings.saturatedBytes;
    this.#budgetBytes = settings.budgetBytes ?? Number.POSITIVE_INFINITY;
    this.#onRoom = settings.onRoom;
    this.#onOverflow = settings.onOverflow;
  }

  /** Whether producers that can wait should. */
  get saturated(): boolean {
    return this.#queuedBytes > this.#saturatedBytes;
  }

  /** Bytes that wait for the peer to read. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Sends a message with what else is pushed at once. */
  push(item: Item): void {
    this.#add(item, 0);
    this.#flushSoon();
  }

  /** The same for a message that does not count against the budget. */
  pushUnbudgeted(item: Item): void {
    this.#add(item, item.bytes);
    this.#flushSoon();
  }

  /** The same for a message that is not urgent: it goes with the next one, or a little later. A frame costs two processes. */
  pushDelayed(item: Item): void {
    this.#add(item, 0);
    if (this.#scheduled || this.#blocked || this.#closed) return;
    this.#lingering ??= setTimeout(() => this.flush(), LINGER_MS);
  }

  /** Sends a frame of its own, after what was pushed before. */
  sendNow(frame: Frame): void {
    if (this.#closed) return;
    this.#seal();
    this.#batches.push({ frame, bytes: OWN_FRAME_BYTES, unbudgetedBytes: 0 });
    this.#queuedBytes += OWN_FRAME_BYTES;
    this.#sink.holds?.(OWN_FRAME_BYTES);
    this.#write();
    this.#checkBudget();
  }

  /** Sends what was pushed, as far as the stream takes it. */
  flush(): void {
    // While the stream is full, the last frame gathers more.
    if (!this.#blocked) this.#seal();
    this.#write();
  }

  /** Sends what was pushed at once, whether or not the stream is full: for the last frames of a stream. */
  flushAll(): void {
    this.#seal();
    for (let next = this.#batches.shift(); next !== undefined; next = this.#batches.shift()) this.#send(next);
  }

  /** Calls back once all that was pushed has been sent; not at all if the writer is closed before. */
  onDrained(callback: () => void): void {
    if (this.#closed) return;
    this.#onDrained = callback;
    this.flush();
  }

  /** Sends nothing any more. @returns the messages that were not sent, in order */
  close(): readonly Item[] {
    this.#closed = true;
    clearTimeout(this.#lingering);
    this.#onDrained = undefined;
    this.#wasSaturated = false;
    if (this.#queuedBytes > 0) this.#sink.holds?.(-this.#queuedBytes);
    const unsent = this.#batches.flatMap(({ items = [] }) => items).concat(this.#items);
    this.#batches.length = 0;
    this.#items = [];
    this.#itemBytes = this.#unbudgetedItemBytes = this.#queuedBytes = this.#unbudgetedBytes = 0;
    return unsent;
  }

  #add(item: Item, unbudgetedBytes: number): void {
    if (this.#closed) return;
    const { bytes } = item;
    const count = this.#items.length;
    if (count >= MAX_FRAME_MESSAGES || (count > 0 && this.#itemBytes + bytes > MAX_FRAME_BYTES)) this.#seal();
    this.#items.push(item);
    this.#itemBytes += bytes;
    this.#unbudgetedItemBytes += unbudgetedBytes;
    this.#queuedBytes += bytes;
    this.#unbudgetedBytes += unbudgetedBytes;
    this.#sink.holds?.(bytes);
    this.#checkBudget();
  }

  #flushSoon(): void {
    if (this.#scheduled || this.#blocked || this.#closed) return;
    this.#scheduled = true;
    this.#schedule(this.#flushScheduled);
  }

  #checkBudget(): void {
    if (this.#queuedBytes > this.#saturatedBytes) this.#wasSaturated = true;
    if (this.#queuedBytes - this.#unbudgetedBytes <= this.#budgetBytes) return;
    this.close();
    this.#onOverflow?.();
  }

  /** Ends the frame that is gathered. */
  #seal(): void {
    if (this.#lingering !== undefined) {
      clearTimeout(this.#lingering);
      this.#lingering = undefined;
    }
    if (this.#items.length === 0) return;
    this.#batches.push({ items: this.#items, bytes: this.#itemBytes, unbudgetedBytes: this.#unbudgetedItemBytes });
    this.#items = [];
    this.#itemBytes = this.#unbudgetedItemBytes = 0;
  }

  #write(): void {
    while (!this.#blocked) {
      if (this.#wasSaturated && !this.saturated) {
        this.#wasSaturated = false;
        this.#onRoom?.();
      }
      const next = this.#batches.shift();
      if (next === undefined) break;
      if (this.#send(next)) continue;
      this.#blocked = true;
      void this.#sink.drained().then(() => {
        this.#blocked = false;
        this.flush();
      });
    }
    if (this.#onDrained === undefined || this.#batches.length > 0 || this.#items.length > 0) return;
    const callback = this.#onDrained;
    this.#onDrained = undefined;
    callback();
  }

  #send({ items, frame, bytes, unbudgetedBytes }: Batch<Item, Frame>): boolean {
    this.#queuedBytes -= bytes;
    this.#unbudgetedBytes -= unbudgetedBytes;
    return this.#sink.send(items === undefined ? frame : this.#frameOf(items), bytes);
  }
}
