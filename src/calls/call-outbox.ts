import type { ShardKeys } from "../redis/keys.js";
import { TurnBatch } from "../redis/turn-batch.js";
import { appendOutput, type Output, type OutputAnswer } from "./append-output.js";
import type { CallStore } from "./call-store.js";
import { type Completion, type CompletionAnswer, completeCalls } from "./complete.js";

/** The most items that one script handles. */
const MAX_BATCH = 32;

/**
 * What providers say about the calls of one shard, many in one script. Output stays in order; a call's end must be handed
 * in when its output has been answered, so that nothing comes after the terminal.
 */
export class CallOutbox {
  readonly #outputs: TurnBatch<Output, OutputAnswer>;
  readonly #completions: TurnBatch<Completion, CompletionAnswer>;

  constructor(store: CallStore, keys: ShardKeys) {
    this.#outputs = new TurnBatch({ maxItems: MAX_BATCH, inOrder: true }, (items) => appendOutput(store, keys, items));
    this.#completions = new TurnBatch({ maxItems: MAX_BATCH }, (items) => completeCalls(store, keys, items));
  }

  append(output: Output): Promise<OutputAnswer> {
    return this.#outputs.add(output);
  }

  complete(completion: Completion): Promise<CompletionAnswer> {
    return this.#completions.add(completion);
  }
}
