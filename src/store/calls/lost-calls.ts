import type { CallId } from "../../identity/call-id.js";
import type { Logger } from "../../observe/logger.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { asArray, asBuffer, evenWhenFull } from "../../redis/script.js";
import { TurnBatch } from "../../redis/turn-batch.js";
import { defineCallScript } from "./call-lua.js";
import { parseSaidEnding, type SaidEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";

/** A call whose record was not found, with what the finder knows of it. */
export interface LostCall {
  readonly id: CallId;
  /** What was fixed at its admission. */
  readonly head: string;
  /** The latest attempt that is known of; 0 when it is not known whether there was one. */
  readonly attempt: number;
}

// Only where there is no record still: it may have been admitted anew since it was missed. One that has expired in time, as its handle
// said, is not lost.
const LOSE = evenWhenFull(
  defineCallScript(
    "LOSE",
    `
-- KEYS    [1] prefix, [2] due
-- ARGV    for each call: id, head, attempt
-- Returns for each call how it ended; empty where there is none
local ends = {}
for i = 1, #ARGV, 3 do
  local id, head = ARGV[i], ARGV[i + 1]
  local call = load_call(id)
  if not call and tonumber(read_head(head).__index.expires) > now then
    lose(id, head, tonumber(ARGV[i + 2]))
    call = load_call(id)
  end
  ends[#ends + 1] = call and call.terminal and said_end(call) or ''
end
return ends
`,
  ),
);

/** The most calls that one execution ends. */
const MAX_BATCH = 128;

/**
 * Ends calls that Redis has lost while they were in flight, as `outcome_unknown` (STATE_LOST), and writes that down: a caller
 * that asks later, on any node, gets the same answer, and a repeat of the call finds that end instead of running it again.
 *
 * A missing record may be reported by any that miss it: the call's waiters, and the session of the provider that runs it. The
 * first report is written, and answers them all.
 */
export class LostCalls {
  readonly #store: CallStore;
  readonly #batches: ReadonlyMap<ShardKeys, TurnBatch<LostCall, SaidEnding | "none">>;

  constructor(store: CallStore, log: Logger) {
    this.#store = store;
    this.#batches = new Map(
      store.keyspace.shards.map((keys) => [
        keys,
        new TurnBatch({ maxItems: MAX_BATCH }, async (calls) => {
          const args = calls.flatMap(({ id, head, attempt }) => [id, head, attempt]);
          const ends = asArray(await runConfirmed(store, keys, LOSE, [keys.prefix, keys.due], args)).map(asBuffer);
          const endings = ends.map((end) => (end.length === 0 ? "none" : parseSaidEnding(end)));
          // Others had ended, and were only missed.
          const lost = calls.filter((_, index) => {
            const ending = endings[index];
            return typeof ending === "object" && ending.kind !== "large" && ending.reason === "STATE_LOST";
          });
          if (lost.length > 0) log.warn({ event: "calls_lost", calls: lost.length, first: lost[0]?.id });
          return endings;
        }),
      ]),
    );
  }

  /**
   * How the call ended; nothing when it is alive after all, or its record had expired in time.
   *
   * @throws ToolgateError STORE_UNAVAILABLE
   */
  async end(call: LostCall): Promise<SaidEnding | undefined> {
    const keys = this.#store.keyspace.forCall(call.id);
    const ending = keys === undefined ? undefined : await this.#batches.get(keys)?.add(call);
    return ending === "none" ? undefined : ending;
  }
}
