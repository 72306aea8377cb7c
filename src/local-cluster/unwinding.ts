/** How to undo one thing that was started. */
export interface Undo {
  /** Stops it in good order. */
  readonly stop: () => Promise<void>;
  /** Ends it at once, without waiting. */
  readonly kill?: () => void;
}

/** What has been started, to be stopped in the reverse order: the last one relies on those before it. */
export class Unwinding {
  readonly #undos: Undo[] = [];
  #stopping: Promise<void> | undefined;

  /** Adds what was started last. */
  add(undo: Undo): void {
    this.#undos.push(undo);
  }

  /** Stops everything, one after the other; what fails is passed to `onFault`, and the rest goes on. Idempotent. */
  stop(onFault: (error: unknown) => void): Promise<void> {
    this.#stopping ??= this.#run(onFault);
    return this.#stopping;
  }

  /** Ends everything at once. */
  kill(): void {
    for (const undo of this.#undos.toReversed()) undo.kill?.();
  }

  async #run(onFault: (error: unknown) => void): Promise<void> {
    for (const undo of this.#undos.toReversed()) {
      try {
        await undo.stop();
      } catch (error) {
        onFault(error);
      }
    }
  }
}
