/** How large a block is, in bytes. */
export const BLOCK_BYTES = 65_536;

/** How many blocks that are not in use are kept. */
const MOST_FREE = 256;

/**
 * Room for messages that come in pieces, used again and again: a peer can fill and leave it as fast as it sends, and what was
 * dropped stays in memory until the garbage collector comes, which counts objects rather than what they hold.
 */
export class Blocks {
  readonly #free: Buffer[] = [];

  /** A block; what is in it is left over. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
  }

  /** A block is not used any more, by anybody. */
  giveBack(block: Buffer): void {
    if (this.#free.length < MOST_FREE) this.#free.push(block);
  }
}
