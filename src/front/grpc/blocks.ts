/** How large a block is, in bytes. */
export const BLOCK_BYTES = 65_536;

/** How many blocks are kept when they are not in use: 16 MiB, two of the largest messages at the default limits. */
const KEPT_BLOCKS = 256;

/**
 * How many blocks are made at once where more are in use: 36 MiB. glibc maps what is larger than 32 MiB by itself, and unmaps it when
 * it is freed; smaller room stays with the process, between what else was allocated meanwhile. Pages that no block has used take no
 * memory.
 */
const SLAB_BLOCKS = 576;

/** Blocks that are made, and freed, together. */
interface Slab {
  readonly room: Buffer;
  /** How many of its blocks have been used yet, from its beginning. */
  used: number;
  readonly free: Buffer[];
}

/**
 * Room for messages that come in pieces, used again and again: a peer can fill and leave it as fast as it sends, and what was
 * dropped stays in memory until the garbage collector comes, which counts objects rather than what they hold. What an attack took
 * goes back to the system when it is over.
 */
export class Blocks {
  #made = 0;
  readonly #kept: Buffer[] = [];
  /** By the memory of their blocks; all have a block in use. */
  readonly #slabs = new Map<ArrayBufferLike, Slab>();

  /** A block; what is in it is left over. */
  take(): Buffer {
    const kept = this.#kept.pop();
    if (kept !== undefined) return kept;
    if (this.#made < KEPT_BLOCKS) {
      this.#made++;
      return Buffer.allocUnsafeSlow(BLOCK_BYTES);
    }
    for (const slab of this.#slabs.values()) {
      const block = blockOf(slab);
      if (block !== undefined) return block;
    }
    const room = Buffer.allocUnsafeSlow(SLAB_BLOCKS * BLOCK_BYTES);
    this.#slabs.set(room.buffer, { room, used: 1, free: [] });
    return room.subarray(0, BLOCK_BYTES);
  }

  /** A block is not used any more. */
  giveBack(block: Buffer): void {
    const slab = this.#slabs.get(block.buffer);
    if (slab === undefined) {
      this.#kept.push(block);
      return;
    }
    slab.free.push(block);
    if (slab.free.length === slab.used) this.#slabs.delete(block.buffer);
  }
}

function blockOf(slab: Slab): Buffer | undefined {
  const again = slab.free.pop();
  if (again !== undefined || slab.used === SLAB_BLOCKS) return again;
  const begin = slab.used++ * BLOCK_BYTES;
  return slab.room.subarray(begin, begin + BLOCK_BYTES);
}
