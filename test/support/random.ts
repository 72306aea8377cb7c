/** Numbers that look random and are the same for each seed, so that what failed fails again. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(most: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * most);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item; // there is one
  }

  some<Item>(items: readonly Item[], least = 0): Item[] {
    const picked = items.filter(() => this.below(3) === 0);
    return picked.length < least ? [this.pick(items)] : picked;
  }
}
