/** The map moves after this many additions, and no fewer than it has entries. */
const STAY = 1_024;

/**
 * A map for entries that come and go by the thousand: calls under way.
 *
 * V8 gives a Map another table whenever removed entries have filled the one that it has, and lets each table point to the
 * next. Once such a table is in the old generation, where a full collection puts it, all later ones and all that was ever in
 * them pass for reachable until the next full collection: minor ones free nothing, and full ones follow each other. Moving on
 * to another Map now and then cuts that chain. Where entries only come and go, that is two thirds of the time.
 */
export class ChurnMap<Key, Value> {
  #map = new Map<Key, Value>();
  #added = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  set(key: Key, value: Value): void {
    this.#added += 1;
    if (this.#added > STAY && this.#added > this.#map.size) {
      this.#map = new Map(this.#map);
      this.#added = 0;
    }
    this.#map.set(key, value);
  }

  /** Whether it was there. */
  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map = new Map();
    this.#added = 0;
  }

  /** The keys of now, in the order of their addition: what happens to the map meanwhile changes nothing. */
  keys(): Key[] {
    return [...this.#map.keys()];
  }

  /** The values of now, in the order of their keys' addition. */
  values(): Value[] {
    return [...this.#map.values()];
  }
}
