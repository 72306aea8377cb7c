import type { CallStore } from "../calls/call-store.js";
import { takeCalls } from "../calls/take.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId, ToolsetName } from "../identity/names.js";
import type { Logger } from "../log/logger.js";
import type { ProviderSession } from "./provider-session.js";

export interface DispatcherSettings {
  readonly store: CallStore;
  readonly node: NodeId;
  readonly missedPings: number;
  readonly log: Logger;
  /** A call went to a session. */
  readonly onTaken: (session: ProviderSession, id: CallId) => void;
  /** A session turned out to speak for nobody any more. */
  readonly onLost: (session: ProviderSession) => void;
}

/** The most calls that one script claims: it holds Redis up for about a millisecond. */
const MAX_TAKE = 64;

/**
 * Brings the waiting calls of one epoch to this node's sessions.
 *
 * It takes only when there may be something: after a bell, a new session or a sweep, until a take came back short. One
 * take is under way at a time, for all sessions with credits.
 */
export class EpochDispatcher {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly sessions = new Set<ProviderSession>();
  readonly #settings: DispatcherSettings;
  /** Sessions that were refused calls: whether they end is being found out, so they are not asked for until the next bell. */
  readonly #refused = new Set<ProviderSession>();
  #mayHaveMore = false;
  #taking = false;
  #turn = 0;

  constructor(toolset: ToolsetName, epoch: Epoch, settings: DispatcherSettings) {
    this.toolset = toolset;
    this.epoch = epoch;
    this.#settings = settings;
  }

  /** There may be calls. */
  wake(): void {
    this.#refused.clear();
    this.#mayHaveMore = true;
    this.pump();
  }

  /** There may be room. */
  pump(): void {
    if (this.#taking || !this.#mayHaveMore || this.sessions.size === 0) return;
    this.#taking = true;
    void this.#takeWhileUseful().finally(() => {
      this.#taking = false;
    });
  }

  async #takeWhileUseful(): Promise<void> {
    while (this.#mayHaveMore) {
      const takers = this.#takers();
      if (takers.length === 0) return;
      this.#mayHaveMore = false;
      try {
        await this.#take(takers);
      } catch (error) {
        // Redis is away. What a lost reply claimed is found again when the sessions attach anew, or settled.
        this.#settings.log.debug({
          event: "take_failed",
          toolset: this.toolset,
          message: error instanceof Error ? error.message : String(error),
        });
        this.#mayHaveMore = true;
        return; // the sweep goes on
      }
    }
  }

  async #take(takers: readonly { readonly session: ProviderSession; readonly credits: number }[]): Promise<void> {
    const { store, node, onTaken, onLost } = this.#settings;
    const asked = takers.map(({ session, credits }) => ({ ...session.taker, credits }));
    const answers = await takeCalls(store, node, this.toolset, this.epoch, asked);
    for (const [index, taker] of takers.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      if (answer.kind === "lost") {
        this.#refused.add(taker.session);
        this.#mayHaveMore = true; // nothing was looked at for it
        onLost(taker.session);
        continue;
      }
      for (const call of answer.calls) {
        taker.session.deliver(call);
        if (taker.session.inHand.has(call.id)) onTaken(taker.session, call.id);
      }
      if (answer.more) this.#mayHaveMore = true;
    }
  }

  /** Sessions with room, for as much as one script claims; another one first each time, so that none gets all. */
  #takers(): { readonly session: ProviderSession; readonly credits: number }[] {
    const sessions = [...this.sessions].filter((session) => !this.#refused.has(session));
    const first = this.#turn++ % Math.max(1, sessions.length);
    const free = [...sessions.slice(first), ...sessions.slice(0, first)]
      .map((session) => ({ session, credits: session.credits(this.#settings.missedPings) }))
      .filter(({ credits }) => credits > 0)
      .slice(0, MAX_TAKE);
    const share = Math.floor(MAX_TAKE / Math.max(1, free.length));
    return free.map(({ session, credits }) => ({ session, credits: Math.min(credits, share) }));
  }
}
