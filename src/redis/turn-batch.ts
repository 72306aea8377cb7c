import { ToolgateError } from "../errors/toolgate-error.js";

/** One item of a batch, and what waits for its answer. */
interface Entry<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what one turn of the event loop produced, and hands it on as one batch: one script for many calls.
 * The answers must come in the order of the items; a failed batch fails each of its items.
 */
export class TurnBatch<Item, Answer> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #maxItems: number;
  #entries: Entry<Item, Answer>[] = [];
  #scheduled = false;

  constructor(maxItems: number, run: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#maxItems = maxItems;
    this.#run = run;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#entries.push({ item, resolve, reject });
      if (this.#entries.length >= this.#maxItems) this.#flush();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(() => {
          this.#scheduled = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    const entries = this.#entries;
    if (entries.length === 0) return;
    this.#entries = [];
    this.#run(entries.map((entry) => entry.item)).then(
      (answers) => {
        for (const [index, entry] of entries.entries()) {
          const answer = answers[index];
          if (answer === undefined) entry.reject(new ToolgateError("INTERNAL", "a batch answered too few items"));
          else entry.resolve(answer);
        }
      },
      (error: unknown) => {
        for (const entry of entries) entry.reject(error);
      },
    );
  }
}
