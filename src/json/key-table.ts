/** What became of a key. */
export type Entered = "new" | "repeated" | "full";

const FIRST_CAPACITY = 64;
/** Slots per entry: half of the slots stay free, so that probing stays short. */
const SLOTS_PER_ENTRY = 2;
/** Probes beyond one per key. Honest keys need a fraction of one each; a text that runs out has keys that were made to collide. */
const SPARE_PROBES = 4_096;

const NO_BYTES = new Uint8Array(0);

/**
 * Finds keys that one object of a JSON text has twice, in one pass over the text and in time linear in it.
 *
 * A set per object would be made and thrown away for every object. Here each distinct key of the whole text has one
 * entry, and the entry holds the object that had it last. Objects close in the reverse order of their opening, so what a
 * nested object wrote over is written back when it closes, and "this key's last object is the current one" is all that
 * needs to be asked. Table and arrays are kept between texts: a small payload allocates nothing. What is in use is counted,
 * since setting the length of an array costs more than entering a key.
 */
export class KeyTable {
  #slots = new Int32Array(FIRST_CAPACITY * SLOTS_PER_ENTRY);
  #hashes = new Int32Array(FIRST_CAPACITY);
  #starts = new Int32Array(FIRST_CAPACITY);
  #ends = new Int32Array(FIRST_CAPACITY);
  #lastObjects = new Int32Array(FIRST_CAPACITY);
  /** The bytes that an entry's key is in: the text, or the unescaped key. */
  #sources: Uint8Array[] = [];
  #count = 0;
  #probes = 0;
  #maxKeys = 0;
  #undoEntries: number[] = [];
  #undoObjects: number[] = [];
  #undoCount = 0;

  /** Forgets the text before, and holds at most `maxKeys` distinct keys of the next. */
  reset(maxKeys: number): void {
    if (this.#slots.length > FIRST_CAPACITY * SLOTS_PER_ENTRY) {
      this.#allocate(FIRST_CAPACITY);
      this.#sources = [];
      this.#undoEntries = [];
      this.#undoObjects = [];
    } else if (this.#count > 0) {
      this.#slots.fill(0);
      this.#sources.fill(NO_BYTES, 0, this.#count);
    }
    this.#count = 0;
    this.#undoCount = 0;
    this.#probes = 0;
    this.#maxKeys = maxKeys;
  }

  /** How many distinct keys of the text there are so far. */
  get size(): number {
    return this.#count;
  }

  /** Where to go back to when the object that opens now is closed. */
  get mark(): number {
    return this.#undoCount;
  }

  /** Closes an object: forgets what was entered since its mark. */
  close(mark: number): void {
    for (let at = this.#undoCount - 1; at >= mark; at--) {
      this.#lastObjects[this.#undoEntries[at] ?? 0] = this.#undoObjects[at] ?? 0;
    }
    this.#undoCount = mark;
  }

  /**
   * Enters the key `source[start, end)`, unescaped, of an object.
   *
   * @param object the object's number in the text, from 1; the innermost open one.
   */
  enter(source: Uint8Array, start: number, end: number, object: number): Entered {
    let hash = 0x811c9dc5;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (source[at] ?? 0), 0x01000193);
    hash ^= hash >>> 15; // the low bits of a product know only the low bits of its bytes
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (;;) {
      const entry = (this.#slots[slot] ?? 0) - 1;
      if (entry < 0) return this.#add(source, start, end, object, hash, slot);
      if (this.#hashes[entry] === hash && this.#isKey(entry, source, start, end)) return this.#revisit(entry, object);
      if (++this.#probes > this.#count + SPARE_PROBES) return "full";
      slot = (slot + 1) & mask;
    }
  }

  #revisit(entry: number, object: number): Entered {
    const last = this.#lastObjects[entry] ?? 0;
    if (last === object) return "repeated";
    this.#note(entry, last, object);
    // Every key met again earns the probes that it may have cost, or long honest texts would run out of them.
    if (this.#probes > 0) this.#probes--;
    return "new";
  }

  #add(source: Uint8Array, start: number, end: number, object: number, hash: number, slot: number): Entered {
    if (this.#count >= this.#maxKeys) return "full";
    let free = slot;
    if (this.#count === this.#hashes.length) {
      this.#grow();
      free = this.#freeSlot(hash);
    }
    const entry = this.#count++;
    this.#slots[free] = entry + 1;
    this.#hashes[entry] = hash;
    this.#starts[entry] = start;
    this.#ends[entry] = end;
    this.#sources[entry] = source;
    this.#note(entry, 0, object);
    return "new";
  }

  #note(entry: number, last: number, object: number): void {
    this.#undoEntries[this.#undoCount] = entry;
    this.#undoObjects[this.#undoCount] = last;
    this.#undoCount++;
    this.#lastObjects[entry] = object;
  }

  #isKey(entry: number, source: Uint8Array, start: number, end: number): boolean {
    const from = this.#starts[entry] ?? 0;
    if ((this.#ends[entry] ?? 0) - from !== end - start) return false;
    const own = this.#sources[entry];
    if (own === undefined) return false;
    for (let at = 0; at < end - start; at++) if (own[from + at] !== source[start + at]) return false;
    return true;
  }

  #grow(): void {
    const columns = [this.#hashes, this.#starts, this.#ends, this.#lastObjects];
    this.#allocate(this.#hashes.length * 4);
    const grown = [this.#hashes, this.#starts, this.#ends, this.#lastObjects];
    for (const [index, column] of columns.entries()) grown[index]?.set(column);
    for (let entry = 0; entry < this.#count; entry++) this.#slots[this.#freeSlot(this.#hashes[entry] ?? 0)] = entry + 1;
  }

  #freeSlot(hash: number): number {
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    while (this.#slots[slot] !== 0) {
      this.#probes++;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #allocate(capacity: number): void {
    this.#slots = new Int32Array(capacity * SLOTS_PER_ENTRY);
    this.#hashes = new Int32Array(capacity);
    this.#starts = new Int32Array(capacity);
    this.#ends = new Int32Array(capacity);
    this.#lastObjects = new Int32Array(capacity);
  }
}
