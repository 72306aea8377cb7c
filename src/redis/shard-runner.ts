import type { ShardKeys } from "./keys.js";

/**
 * Periodic work for every shard, for each by itself: one whose master is away, or takes its time to
 * answer, holds up no other. It is skipped while its last run is still going.
 */
export class ShardRunner {
  readonly #shards: readonly ShardKeys[];
  readonly #onError: (error: unknown) => void;
  readonly #busy = new Map<ShardKeys, Promise<void>>();

  /** @param onError receives the first failure of each run. */
  constructor(shards: readonly ShardKeys[], onError: (error: unknown) => void) {
    this.#shards = shards;
    this.#onError = onError;
  }

  /** Runs it on every shard that is not busy; resolves when all of those have finished, never rejects. */
  async runOnAll(run: (keys: ShardKeys) => Promise<void>): Promise<void> {
    let failed = false;
    const begun = this.#shards
      .filter((keys) => !this.#busy.has(keys))
      .map((keys) => {
        const running = run(keys)
          .catch((error: unknown) => {
            if (!failed) this.#onError(error);
            failed = true;
          })
          .finally(() => this.#busy.delete(keys));
        this.#busy.set(keys, running);
        return running;
      });
    await Promise.all(begun);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#busy.values());
  }
}
