import type { CallId } from "../../identity/call-id.js";
import type { NodeId } from "../../identity/names.js";
import type { ShardKeys } from "../../redis/keys.js";
import { TurnBatch } from "../../redis/turn-batch.js";
import { appendOutput, type Output, type OutputAnswer } from "./append-output.js";
import type { Ending } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { type Completion, type CompletionAnswer, completeCalls } from "./complete.js";

/** The most pieces of output that one script handles. */
const MAX_OUTPUTS = 32;

/**
 * What providers say about the calls of one shard, many in one script. Output stays in order; a call's end must be handed
 * in when its output has been answered, so that nothing comes after the terminal.
 */
export class CallOutbox {
  readonly #outputs: TurnBatch<Output, OutputAnswer>;
  readonly #completions: TurnBatch<Completion, CompletionAnswer>;

  /**
   * @param batchSize how many calls one script should end.
   * @param onEnded how calls ended that this node ended: their waiters on this node are not notified by the script.
   */
  constructor(
    store: CallStore,
    keys: ShardKeys,
    node: NodeId,
    batchSize: () => number,
    onEnded: (id: CallId, ending: Ending) => void,
  ) {
    this.#outputs = new TurnBatch({ maxItems: MAX_OUTPUTS, inOrder: true }, (items) =>
      appendOutput(store, keys, items),
    );
    this.#completions = new TurnBatch({ maxItems: batchSize }, async (items) => {
      const answers = await completeCalls(store, keys, node, items);
      for (const [index, { id }] of items.entries()) {
        const answer = answers[index];
        if (answer?.kind === "accepted") onEnded(id, answer.ending);
      }
      return answers;
    });
  }

  append(output: Output): Promise<OutputAnswer> {
    return this.#outputs.add(output);
  }

  complete(completion: Completion): Promise<CompletionAnswer> {
    return this.#completions.add(completion);
  }
}
