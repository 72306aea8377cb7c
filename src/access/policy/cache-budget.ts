/** Bounds what several caches keep together: when it is too much, all are emptied, and fill again with what is asked for now. */
export class CacheBudget {
  readonly #most: number;
  readonly #caches = new Set<() => void>();
  #kept = 0;

  /** @param most how many entries all caches may have together */
  constructor(most: number) {
    this.#most = most;
  }

  /** Before an entry is kept. @param clear empties the cache that keeps it */
  take(clear: () => void): void {
    if (this.#kept >= this.#most) {
      for (const empty of this.#caches) empty();
      this.#caches.clear();
      this.#kept = 0;
    }
    this.#kept++;
    this.#caches.add(clear);
  }
}
