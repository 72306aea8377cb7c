import type { HeldForStream } from "../listening/held-bytes.js";
import { BLOCK_BYTES, type Blocks } from "./blocks.js";

/** A flag that says whether the message is compressed, and its length: the Length-Prefixed-Message of gRPC over HTTP/2. */
const HEAD_BYTES = 5;
/** The least room that is made for a message that comes in pieces, in bytes. */
const LEAST_ROOM_BYTES = 1_024;

/**
 * Cuts the bytes of one stream into messages, each with its head, as grpc-js wants them.
 *
 * It stands in for grpc-js's own, which keeps each piece as it came: a peer that sends an octet at a time has some hundred bytes
 * held for each, and all that was read from the socket with it. Here a message that comes in pieces is copied into room of its
 * own, which doubles up to a block and then grows by blocks, and what is held is counted.
 */
export class MessageDecoder {
  readonly #maxBytes: number;
  readonly #held: HeldForStream;
  readonly #blocks: Blocks;
  readonly #head = Buffer.allocUnsafe(HEAD_BYTES);
  #headBytes = 0;
  /** Of the message that is arriving, with its head: how long it is, and how much of it there is. */
  #wholeBytes = 0;
  #filled = 0;
  /** Its rooms, all but the last one full; how much the last one holds; and how much they take. */
  #rooms: Buffer[] = [];
  #lastFilled = 0;
  #roomBytes = 0;

  /** @param maxBytes how long a message may be, without its head. */
  constructor(maxBytes: number, held: HeldForStream, blocks: Blocks) {
    this.#maxBytes = maxBytes;
    this.#held = held;
    this.#blocks = blocks;
  }

  /**
   * Takes the next bytes of the stream, and gives the messages that they complete: none any more once the stream was ended.
   *
   * @throws Error when a message is too long; grpc-js then ends the call with RESOURCE_EXHAUSTED and the error's text
   */
  write(bytes: Buffer): Buffer[] {
    const messages: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#headBytes < HEAD_BYTES) {
        const taken = bytes.copy(this.#head, this.#headBytes, at, at + HEAD_BYTES - this.#headBytes);
        this.#headBytes += taken;
        at += taken;
        if (this.#headBytes < HEAD_BYTES) break;
        this.#begin(bytes.length - at);
      }
      while (at < bytes.length && this.#filled < this.#wholeBytes && !this.#held.over) {
        const taken = this.#copy(bytes, at);
        this.#filled += taken;
        at += taken;
      }
      if (this.#held.over) {
        this.forget();
        return [];
      }
      if (this.#filled < this.#wholeBytes) break;
      messages.push(this.#whole());
    }
    if (this.#headBytes > 0) this.#held.arriving();
    return messages;
  }

  /** Lets go of the message that is arriving: the stream is over. Idempotent. */
  forget(): void {
    this.#letGo();
    this.#headBytes = this.#filled = 0;
  }

  /** The head is there: it says how long the message is. What comes at once gets room of its size. */
  #begin(arrivedBytes: number): void {
    const bytes = this.#head.readUInt32BE(1);
    if (bytes > this.#maxBytes) throw new Error(`Received message larger than max (${bytes} vs ${this.#maxBytes})`);
    this.#wholeBytes = HEAD_BYTES + bytes;
    const room = Buffer.allocUnsafe(bytes <= arrivedBytes ? this.#wholeBytes : LEAST_ROOM_BYTES);
    this.#lastFilled = this.#filled = this.#head.copy(room);
    this.#add(room);
  }

  /** Copies what fits into the last room, and makes more where there is none; returns how much. */
  #copy(bytes: Buffer, at: number): number {
    const last = this.#rooms.at(-1);
    if (last === undefined) return 0; // the stream was ended meanwhile
    if (this.#lastFilled === last.length) {
      this.#makeRoom(last);
      return 0;
    }
    const taken = bytes.copy(last, this.#lastFilled, at, at + this.#wholeBytes - this.#filled);
    this.#lastFilled += taken;
    return taken;
  }

  #makeRoom(last: Buffer): void {
    const size = Math.min(2 * last.length, BLOCK_BYTES);
    const room = size === BLOCK_BYTES ? this.#blocks.take() : Buffer.allocUnsafe(size);
    if (last.length < BLOCK_BYTES) {
      this.#letGo();
      this.#lastFilled = last.copy(room);
    } else this.#lastFilled = 0;
    this.#add(room);
  }

  #add(room: Buffer): void {
    this.#rooms.push(room);
    this.#roomBytes += room.length;
    this.#held.count(room.length); // may end this stream, and forget it
  }

  /** The message is whole: it leaves its rooms. */
  #whole(): Buffer {
    const [only] = this.#rooms;
    const message =
      only?.length === this.#wholeBytes && this.#rooms.length === 1
        ? only
        : Buffer.concat(this.#rooms, this.#wholeBytes);
    if (message === only) this.#rooms.pop();
    else this.#held.count(this.#wholeBytes - this.#roomBytes);
    this.#held.arrived(this.#wholeBytes);
    this.#roomBytes = 0;
    for (const room of this.#rooms) this.#recycle(room);
    this.#rooms = [];
    this.#headBytes = this.#filled = 0;
    return message;
  }

  #letGo(): void {
    for (const room of this.#rooms) this.#recycle(room);
    this.#rooms = [];
    this.#held.count(-this.#roomBytes);
    this.#roomBytes = 0;
  }

  #recycle(room: Buffer): void {
    if (room.length === BLOCK_BYTES) this.#blocks.giveBack(room);
  }
}
