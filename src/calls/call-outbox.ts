import type { ShardKeys } from "../redis/keys.js";
import { TurnBatch } from "../redis/turn-batch.js";
import { appendOutput, type Output, type OutputAnswer } from "./append-output.js";
import type { CallStore } from "./call-store.js";
import { type Completion, type CompletionAnswer, completeCalls } from "./complete.js";

/** The most items that one script handles. */
const MAX_BATCH = 64;

/**
 * What providers said about the calls of one shard in one turn of the event loop: output first, then ends, so that
 * nothing of a call comes after its terminal. Redis runs the scripts in the order in which one connection sends them.
 */
export class CallOutbox {
  readonly #outputs: TurnBatch<Output, OutputAnswer>;
  readonly #completions: TurnBatch<Completion, CompletionAnswer>;

  constructor(store: CallStore, keys: ShardKeys) {
    this.#outputs = new TurnBatch(MAX_BATCH, (items) => appendOutput(store, keys, items));
    this.#completions = new TurnBatch(MAX_BATCH, (items) => {
      this.#outputs.flush();
      return completeCalls(store, keys, items);
    });
  }

  append(output: Output): Promise<OutputAnswer> {
    return this.#outputs.add(output);
  }

  complete(completion: Completion): Promise<CompletionAnswer> {
    return this.#completions.add(completion);
  }
}
