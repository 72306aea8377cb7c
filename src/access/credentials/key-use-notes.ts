import { every, type Repeating } from "../../async/every.js";

/** How often the uses are written, in milliseconds. */
const EVERY_MS = 5_000;
/** The most keys in one write; the others' turn comes next. */
const BATCH = 500;

/** Gathers which keys were used, and writes that from time to time: the requests themselves wait for nothing. */
export class KeyUseNotes {
  readonly #used = new Set<string>();
  readonly #writing: Repeating;

  /**
   * @param write notes that these keys are used now
   * @param onError a write failed; its notes are lost
   */
  constructor(write: (ids: readonly string[]) => Promise<void>, onError: (error: unknown) => void) {
    this.#writing = every(
      () => EVERY_MS,
      async () => {
        const ids = [...this.#used].slice(0, BATCH);
        for (const id of ids) this.#used.delete(id);
        if (ids.length > 0) await write(ids);
      },
      onError,
    );
  }

  /** A key was used. */
  add(id: string): void {
    this.#used.add(id);
  }

  start(): void {
    this.#writing.start();
  }

  stop(): Promise<void> {
    return this.#writing.stop();
  }
}
