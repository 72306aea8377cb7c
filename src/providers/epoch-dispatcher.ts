import { toToolgateError } from "../errors/to-toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId, ToolsetName } from "../identity/names.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { Offer } from "../store/calls/admit.js";
import type { CallStore } from "../store/calls/call-store.js";
import { type Rest, resumeCalls, resumeRest, type TakeAnswer, takeCalls } from "../store/calls/take.js";
import type { ProviderSession } from "./provider-session.js";

export interface DispatcherSettings {
  readonly store: CallStore;
  readonly node: NodeId;
  readonly missedPings: number;
  readonly faults: FaultLog;
  /** A call went to a session. */
  readonly onTaken: (session: ProviderSession, id: CallId) => void;
  /** A session turned out to hold no lease any more. */
  readonly onLost: (session: ProviderSession) => void;
  /** What might have been on its way to a session has come, or does not come any more. */
  readonly onAnswered: (session: ProviderSession) => void;
}

/** A session, and how many calls it may be given. */
interface Room {
  readonly session: ProviderSession;
  readonly credits: number;
}

/** How often waiting calls are looked for without a notification, in milliseconds. */
export const SWEEP_INTERVAL_MS = 5_000;
/** The most calls that one script claims; see the bound on admissions. */
const MAX_TAKE = 32;

/**
 * Brings the waiting calls of one epoch to this node's sessions, step by step: recover what a lost reply may have claimed,
 * or take for all sessions with credits.
 *
 * A step is made only when there may be something: after a notification, a new session or a sweep, until a take came back short. One
 * is under way at a time. What is heard meanwhile is noted, and when a step ends, that note and all else that decides on the
 * next step are looked at in the same turn: so nothing can come in between and be missed.
 */
export class EpochDispatcher {
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
  readonly sessions = new Set<ProviderSession>();
  readonly #settings: DispatcherSettings;
  /** Sessions that were refused calls: whether they end is being found out, so they are not asked for until the next notification. */
  readonly #refused = new Set<ProviderSession>();
  /** Sessions whose providers may hold calls that did not come here, and from where on; undefined: after a take that failed. */
  readonly #unsure = new Map<ProviderSession, Rest | undefined>();
  #mayHaveMore = false;
  /** Credits that a take or an offer under way may use, by session. */
  readonly #reserved = new Map<ProviderSession, number>();
  #stepping = false;
  /** Where the next look for room begins: sets are walked in the order in which sessions came, those that come meanwhile included. */
  #round: Iterator<ProviderSession, undefined> = this.sessions.values();

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
    if (this.#stepping) return;
    const step = this.#nextStep();
    if (step === undefined) return;
    this.#stepping = true;
    this.#mayHaveMore = false;
    step().then(
      () => {
        this.#stepping = false;
        this.pump();
      },
      (error: unknown) => {
        this.#stepping = false;
        // Redis is away, or its replicas are: what is not sure to last is not handed out.
        this.#settings.faults.warn({ event: "take_failed", toolset: this.toolset, error }, SWEEP_INTERVAL_MS);
        const woken = this.#mayHaveMore;
        this.#mayHaveMore = true;
        if (woken) this.pump(); // else the next notification or sweep goes on
      },
    );
  }

  /**
   * Sessions with room, set aside for a script that admits calls to this epoch: it may claim some of them at once.
   *
   * @param most how many calls at most.
   */
  offer(most: number): Offer | undefined {
    const takers = this.#takers(Math.min(most, MAX_TAKE));
    if (takers.length === 0) return undefined;
    const offered = takers.map(({ session, credits }) => {
      const { provider, incarnation, session: name } = session.taker;
      const running = session.running + this.#reservedOf(session);
      return { provider, incarnation, session: name, credits, maxInFlight: session.maxInFlight, running };
    });
    const over = this.#reserve(takers);
    return {
      takers: offered,
      taken: (answers) => {
        over();
        this.#deliver(takers, answers);
        this.#answered(takers);
        this.pump();
      },
      failed: (error) => {
        over();
        this.#failed(takers, error);
        this.#answered(takers);
        this.pump();
      },
    };
  }

  /** Whether calls may be on their way to a session: claimed for its provider, and not delivered yet. */
  awaits(session: ProviderSession): boolean {
    return this.#reserved.has(session) || this.#unsure.has(session);
  }

  #answered(takers: readonly { readonly session: ProviderSession }[]): void {
    for (const { session } of takers) if (!this.awaits(session)) this.#settings.onAnswered(session);
  }

  #reservedOf(session: ProviderSession): number {
    return this.#reserved.get(session) ?? 0;
  }

  /** Sets credits aside until it is known what was claimed with them. */
  #reserve(takers: readonly Room[]): () => void {
    for (const { session, credits } of takers) this.#reserved.set(session, this.#reservedOf(session) + credits);
    return () => {
      for (const { session, credits } of takers) {
        const left = this.#reservedOf(session) - credits;
        if (left === 0) this.#reserved.delete(session);
        else this.#reserved.set(session, left);
      }
    };
  }

  /** A provider that attached holds more than was brought at once: the rest comes first, as it reads. */
  resumeLater(session: ProviderSession, rest: Rest): void {
    this.#unsure.set(session, rest);
  }

  #nextStep(): (() => Promise<void>) | undefined {
    for (const [session, rest] of this.#unsure) {
      // What it claims by an offer would be found, and brought twice.
      if (!session.saturated && !this.#reserved.has(session)) return () => this.#recover(session, rest);
    }
    if (!this.#mayHaveMore) return undefined;
    const takers = this.#takers(MAX_TAKE);
    return takers.length === 0 ? undefined : () => this.#take(takers);
  }

  async #take(takers: readonly Room[]): Promise<void> {
    const { store, node } = this.#settings;
    const asked = takers.map(({ session, credits }) => ({ ...session.taker, credits }));
    const over = this.#reserve(takers);
    let answers: TakeAnswer[];
    try {
      answers = await takeCalls(store, node, this.toolset, this.epoch, asked);
    } catch (error) {
      over();
      this.#failed(takers, error);
      this.#answered(takers);
      throw error;
    }
    // In one turn: in between, an offer would find room that is none.
    over();
    if (this.#deliver(takers, answers)) this.#mayHaveMore = true;
    this.#answered(takers);
  }

  #failed(takers: readonly Room[], error: unknown): void {
    if (toToolgateError(error).executed === "no") return;
    for (const { session } of takers) this.#unsure.set(session, undefined);
  }

  /** Hands out what was claimed; says whether there may be more. */
  #deliver(takers: readonly Room[], answers: readonly TakeAnswer[]): boolean {
    const { onTaken, onLost } = this.#settings;
    let more = false;
    for (const [index, taker] of takers.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      if (answer.kind === "lost") {
        this.#refused.add(taker.session);
        more = true; // nothing was looked at for it
        onLost(taker.session);
        continue;
      }
      for (const call of answer.calls) {
        taker.session.deliver(call);
        if (taker.session.inHand.has(call.id)) onTaken(taker.session, call.id);
      }
      if (answer.more) more = true;
    }
    return more;
  }

  /** Redelivers claimed calls that were never sent, or some of them; as after attaching, Redis knows which. */
  async #recover(session: ProviderSession, rest: Rest | undefined): Promise<void> {
    const { store, node, onTaken } = this.#settings;
    let left: Rest | undefined;
    if (this.sessions.has(session)) {
      const inHand = session.inHand.values().map(({ id, attempt }) => ({ id, attempt }));
      const resumed = await (rest === undefined
        ? resumeCalls(store, node, this.toolset, this.epoch, session.taker, inHand)
        : resumeRest(store, node, this.toolset, this.epoch, session.taker, rest));
      // Whether the session still holds its lease, the take that follows finds out.
      if (resumed.kind === "resumed") {
        session.redeliver(resumed.undelivered);
        for (const { id } of resumed.undelivered) if (session.inHand.has(id)) onTaken(session, id);
        left = resumed.rest;
      }
    }
    if (left === undefined) this.#unsure.delete(session);
    else this.#unsure.set(session, left);
    this.#mayHaveMore = true; // nothing was taken yet
    this.#answered([{ session }]);
  }

  /**
   * Sessions with room, for as much as one script claims. It goes on behind the last one that was found, so that none gets all; and
   * looks no further than it has to: an epoch may have thousands.
   */
  #takers(most: number): Room[] {
    const free: Room[] = [];
    for (let left = this.sessions.size; left > 0 && free.length < most; left--) {
      const session = this.#nextSession();
      if (session === undefined) break;
      if (this.#refused.has(session) || this.#unsure.has(session)) continue;
      const credits = session.credits(this.#settings.missedPings) - this.#reservedOf(session);
      if (credits > 0) free.push({ session, credits });
    }
    const share = Math.floor(most / Math.max(1, free.length));
    return free.map(({ session, credits }) => ({ session, credits: Math.min(credits, share) }));
  }

  #nextSession(): ProviderSession | undefined {
    const next = this.#round.next();
    if (next.done !== true) return next.value;
    this.#round = this.sessions.values();
    return this.#round.next().value;
  }
}
