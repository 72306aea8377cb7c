/**
 * Names for generators of clients: no two are the same word in a language that writes names in a way of its own (`tree.depth`,
 * `tree_depth` and `TreeDepth`).
 */
export class UniqueNames {
  readonly #taken: Set<string>;

  /** @param taken names that are given already */
  constructor(taken: Iterable<string> = []) {
    this.#taken = new Set([...taken].map(wordOf));
  }

  /** The name, or with a number behind it the first that is free. */
  take(wanted: string): string {
    let name = wanted;
    for (let count = 2; this.#taken.has(wordOf(name)); count++) name = `${wanted}_${count}`;
    this.#taken.add(wordOf(name));
    return name;
  }
}

/** What is left of a name wherever it is written. */
const wordOf = (name: string): string => name.replace(/[^A-Za-z0-9]/g, "").toLowerCase();
