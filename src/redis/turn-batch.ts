import { ToolgateError } from "../errors/toolgate-error.js";

/** An item of a batch, and what waits for its answer. */
interface Pending<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export interface TurnBatchOptions {
  /** The most items that one batch has; asked at each item. A full batch is handed on before the turn ends. */
  readonly maxItems: number | (() => number);
  /**
   * Hand on a batch only when the one before has been answered. For what must stay in order: a script that Redis does not
   * know yet is sent a second time, and what was sent after it may run before it.
   */
  readonly inOrder?: boolean;
}

/**
 * Gathers what one turn of the event loop produced, and hands it on as one batch: one script for many calls. While no batch is
 * under way, what is produced at once is not kept waiting for the rest of the turn.
 *
 * The answers must come in the order of the items; a failure is that of every item.
 */
export class TurnBatch<Item, Answer> {
  readonly #run: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly #maxItems: () => number;
  readonly #inOrder: boolean;
  #pending: Pending<Item, Answer>[] = [];
  #scheduled = false;
  /** Batches that were handed on and not answered yet. */
  #underWay = 0;

  constructor(
    { maxItems, inOrder = false }: TurnBatchOptions,
    run: (items: readonly Item[]) => Promise<readonly Answer[]>,
  ) {
    this.#maxItems = typeof maxItems === "number" ? () => maxItems : maxItems;
    this.#inOrder = inOrder;
    this.#run = run;
  }

  add(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ item, resolve, reject });
      if (this.#pending.length >= this.#maxItems()) this.#flush();
      else if (!this.#scheduled) {
        this.#scheduled = true;
        // While nothing is under way, waiting for more items gains nothing.
        (this.#underWay === 0 ? process.nextTick : setImmediate)(() => {
          this.#scheduled = false;
          this.#flush();
        });
      }
    });
  }

  #flush(): void {
    if (this.#inOrder && this.#underWay > 0) return;
    // Only what is kept in order gathers more than one batch.
    const batch = this.#inOrder ? this.#pending.splice(0, this.#maxItems()) : this.#pending.splice(0);
    if (batch.length === 0) return;
    this.#underWay++;
    this.#run(batch.map((entry) => entry.item))
      .then(
        (answers) => {
          for (const [index, entry] of batch.entries()) {
            const answer = answers[index];
            if (answer === undefined) entry.reject(new ToolgateError("INTERNAL", "a batch answered too few items"));
            else entry.resolve(answer);
          }
        },
        (error: unknown) => {
          for (const entry of batch) entry.reject(error);
        },
      )
      .finally(() => {
        this.#underWay--;
        if (this.#inOrder) this.#flush();
      });
  }
}
