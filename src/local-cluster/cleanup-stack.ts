/** How to stop one thing that was started. */
export interface CleanupStep {
  /** Stops it in good order. */
  readonly stop: () => Promise<void>;
  /** Ends it at once, without waiting. */
  readonly kill?: () => void;
}

/** What has been started, to be stopped in the reverse order: the last one relies on those before it. */
export class CleanupStack {
  readonly #steps: CleanupStep[] = [];
  #stopping: Promise<void> | undefined;

  /** Adds what was started last. */
  add(step: CleanupStep): void {
    this.#steps.push(step);
  }

  /** Stops everything, one after the other; what fails is passed to `onFault`, and the rest goes on. Idempotent. */
  stop(onFault: (error: unknown) => void): Promise<void> {
    this.#stopping ??= this.#run(onFault);
    return this.#stopping;
  }

  /** Ends everything at once. */
  kill(): void {
    for (const step of this.#steps.toReversed()) step.kill?.();
  }

  async #run(onFault: (error: unknown) => void): Promise<void> {
    for (const step of this.#steps.toReversed()) {
      try {
        await step.stop();
      } catch (error) {
        onFault(error);
      }
    }
  }
}
