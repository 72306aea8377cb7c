/** What the buffer has at first, in bytes: most frames fit. */
const FIRST_BYTES = 65_536;
/** A buffer that grew beyond this is let go of when its message is done, in bytes. */
const MAX_KEPT_BYTES = 1_048_576;
/** Texts of up to this many UTF-16 units are written here, unit by unit, as long as they are ASCII: ids and names. */
const SHORT_TEXT = 64;

/**
 * Writes the protobuf wire format (https://protobuf.dev/programming-guides/encoding/) straight into a buffer that is used
 * again for each message.
 */
export class WireWriter {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** Begins a message, whatever became of the one before. */
  begin(): void {
    this.#at = 0;
  }

  /** The message, in bytes of its own. */
  finish(): Buffer {
    const message = Buffer.from(this.#buffer.subarray(0, this.#at));
    if (this.#buffer.length > MAX_KEPT_BYTES) this.#buffer = Buffer.allocUnsafe(FIRST_BYTES);
    return message;
  }

  /** An unsigned integer below 2^32. */
  varint32(value: number): void {
    this.#reserve(5);
    this.#at = putVarint(this.#buffer, this.#at, value);
  }

  /** A safe integer, or a bigint of 64 bits; a negative one in two's complement of 64 bits. */
  varint64(value: number | bigint): void {
    this.#reserve(10);
    const isWide = typeof value === "bigint";
    let low = isWide ? Number(BigInt.asUintN(32, value)) : value >>> 0;
    let high = isWide ? Number(BigInt.asUintN(32, value >> 32n)) : Math.floor(value / 0x1_0000_0000) >>> 0;
    while (high > 0) {
      this.#buffer[this.#at++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#at = putVarint(this.#buffer, this.#at, low);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  text(value: string): void {
    this.#reserve(5 + 3 * value.length);
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return;
    this.#at = putVarint(this.#buffer, this.#at, Buffer.byteLength(value));
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Writes a short text if it is ASCII, and says whether it was. */
  #ascii(value: string): boolean {
    const start = this.#at + 1; // behind its length, which takes one byte
    for (let index = 0; index < value.length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) return false;
      this.#buffer[start + index] = unit;
    }
    this.#buffer[this.#at] = value.length;
    this.#at = start + value.length;
    return true;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(5 + value.length);
    this.#at = putVarint(this.#buffer, this.#at, value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** What `write` writes, with its length before it. */
  nested<Value>(value: Value, write: (value: Value) => void): void {
    this.#reserve(5);
    const start = ++this.#at; // behind its length, which takes one byte mostly
    write(value);
    const length = this.#at - start;
    const more = varintBytes(length) - 1;
    if (more > 0) {
      this.#reserve(more);
      this.#buffer.copyWithin(start + more, start, this.#at);
      this.#at += more;
    }
    putVarint(this.#buffer, start - 1, length);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    grown.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = grown;
  }
}

/** Puts an unsigned integer below 2^32 into a buffer. Gives the place behind it. */
function putVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value;
  let place = at;
  while (rest > 0x7f) {
    buffer[place++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[place++] = rest;
  return place;
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
