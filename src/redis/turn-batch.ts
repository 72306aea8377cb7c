import { ToolgateError } from "../errors/toolgate-error.js";

/** An item of a batch, and what waits for its answer. */
export interface Pending<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Runs many items as one, and gives each its answer, in order; a failure is everybody's. */
export function runBatch<Item, Answer>(
  pending: readonly Pending<Item, Answer>[],
  run: (items: readonly Item[]) => Promise<readonly Answer[]>,
): void {
  if (pending.length === 0) return;
  run(pending.map((entry) => entry.item)).then(
    (answers) => {
      for (const [index, entry] of pending.entries()) {
        const answer = answers[index];
        if (answer === undefined) entry.reject(new ToolgateError("INTERNAL", "a batch answered too few items"));
        else entry.resolve(answer);
      }
    },
    (error: unknown) => {
      for (const entry of pending) entry.reject(error);
    },
  );
}

/**
 * Gathers what one turn of the event loop produced, and hands it on as one batch: one script for many calls.
 * The answers must come in the order of the items.
 */
export class TurnBatch<Item, Answer> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #maxItems: number;
  #pending: Pending<Item, Answer>[] = [];
  #scheduled = false;

  constructor(maxItems: number, run: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#maxItems = maxItems;
    this.#run = run;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ item, resolve, reject });
      if (this.#pending.length >= this.#maxItems) this.flush();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        setImmediate(() => {
          this.#scheduled = false;
          this.flush();
        });
      }
    });
  }

  /** Hands on what was gathered so far. */
  flush(): void {
    const pending = this.#pending;
    this.#pending = [];
    runBatch(pending, this.#run);
  }
}
