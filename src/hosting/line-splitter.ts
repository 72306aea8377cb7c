const NEWLINE = 0x0a;
/** How much of both ends of an oversized line is kept, in bytes: enough to find a JSON-RPC id. */
const KEPT_BYTES = 512;

/** What becomes of lines. */
export interface LineSink {
  line(bytes: Buffer): void;
  /** A line was longer than the limit: its two ends, and how long it was. */
  oversized(head: Buffer, tail: Buffer, bytes: number): void;
}

/** Cuts a byte stream into lines, and holds at most `maxLineBytes` of it. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  readonly #sink: LineSink;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(maxLineBytes: number, sink: LineSink) {
    this.#maxLineBytes = maxLineBytes;
    this.#sink = sink;
  }

  /** Takes the next bytes. */
  push(chunk: Buffer): void {
    let from = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, from);
      if (end === -1) break;
      this.#keep(chunk.subarray(from, end));
      this.#finish();
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** The stream has ended: what stands without a newline is a line too. */
  end(): void {
    if (this.#bytes > 0) this.#finish();
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    this.#bytes += part.length;
    this.#parts.push(part);
    if (this.#bytes <= this.#maxLineBytes) return;
    // Too long already: only its two ends are of use, copied so that the rest can go.
    const held = Buffer.concat(this.#parts);
    this.#parts = [
      Buffer.from(held.subarray(0, KEPT_BYTES)),
      Buffer.from(held.subarray(KEPT_BYTES).subarray(-KEPT_BYTES)),
    ];
  }

  #finish(): void {
    const bytes = this.#bytes;
    const held = this.#parts.length === 1 ? (this.#parts[0] ?? Buffer.alloc(0)) : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#bytes = 0;
    if (bytes > this.#maxLineBytes) {
      this.#sink.oversized(held.subarray(0, KEPT_BYTES), held.subarray(-KEPT_BYTES), bytes);
    } else if (held.length > 0) {
      this.#sink.line(held);
    }
  }
}
