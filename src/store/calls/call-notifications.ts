import { ChurnMap } from "../../async/churn-map.js";
import type { CallId } from "../../identity/call-id.js";
import type { NodeId } from "../../identity/names.js";
import type { Logger } from "../../observe/logger.js";
import type { ShardKeys } from "../../redis/keys.js";
import { ShardRunner } from "../../redis/shard-runner.js";
import type { Subscriber } from "../../redis/subscriber.js";
import { type Ending, parseEnding, type SaidEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { probeCalls } from "./read-call.js";

/** What a node hears of a call that it watches. */
export type CallNotification =
  /** There is output, or there may be: it is read from the result stream. */
  | { readonly kind: "output" }
  | { readonly kind: "ended"; readonly ending: SaidEnding }
  /** Its record is not there: it was not admitted yet, or Redis has lost it. */
  | { readonly kind: "gone" }
  /** Its end is long due, and Redis cannot be asked. */
  | { readonly kind: "overdue" };

/** A listener for one call. */
export interface Watcher {
  /** On the monotonic clock: when to give up if nothing at all is heard. */
  readonly overdueAtMs: number;
  onNotification(notification: CallNotification): void;
}

/** What a node hears of a call that one of its providers runs. */
export interface StopNotice {
  readonly id: CallId;
  readonly attempt: number;
  readonly reason: "CANCELLED" | "DEADLINE_EXCEEDED";
}

export interface CallNotificationsSettings {
  readonly store: CallStore;
  readonly subscriber: Subscriber;
  readonly node: NodeId;
  readonly log: Logger;
  readonly monotonicMs: () => number;
  readonly onStop: (notice: StopNotice) => void;
}

/** How often watched calls are looked up in case their notification was lost, in milliseconds. */
const PROBE_INTERVAL_MS = 1_000;
/** How often it is looked for calls whose end is long due, in milliseconds. */
const OVERDUE_INTERVAL_MS = 200;
/** How long Redis may take to say how such a call has ended, in milliseconds: one that stands still would take much longer. */
const LAST_PROBE_MS = 150;
/** The most calls that one lookup asks for. */
const PROBE_BATCH = 500;

/**
 * Notifies the watchers of this node's calls.
 *
 * Notifications are pub/sub and can be lost; the record is the truth. So all watched calls are looked up every second, and at
 * once when messages may have been lost.
 */
export class CallNotifications {
  readonly #settings: CallNotificationsSettings;
  /** Lists are replaced, never changed: watchers may come and go while they are called. Nearly all have one watcher. */
  readonly #watched = new ChurnMap<CallId, readonly Watcher[]>();
  #unsubscribe: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #overdueTimer: NodeJS.Timeout | undefined;
  /** Those that Redis is asked for a last time. */
  readonly #overdue = new Set<CallId>();
  readonly #runner: ShardRunner;
  #notified: CallId[] = [];

  constructor(settings: CallNotificationsSettings) {
    this.#settings = settings;
    this.#runner = new ShardRunner(settings.store.keyspace.shards, () => {}); // a failed look is reported where it fails
  }

  async start(): Promise<void> {
    const { store, subscriber, node } = this.#settings;
    for (const keys of store.keyspace.shards) {
      this.#unsubscribe.push(await subscriber.subscribe(keys.node(node), (message) => this.#onMessage(keys, message)));
    }
    this.#unsubscribe.push(
      subscriber.onGap(() => {
        for (const id of this.#watched.keys()) this.#notify(id, { kind: "output" });
        void this.#probeAll();
      }),
    );
    this.#timer = setInterval(() => void this.#probeAll(), PROBE_INTERVAL_MS);
    this.#timer.unref();
    this.#overdueTimer = setInterval(() => this.#giveUpOverdue(), OVERDUE_INTERVAL_MS);
    this.#overdueTimer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#overdueTimer);
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#runner.idle();
  }

  /** How many calls are watched. */
  get size(): number {
    return this.#watched.size;
  }

  /** Tells the watcher of each notification of a call until `unwatch`. Watch first, then admit. */
  watch(id: CallId, watcher: Watcher): void {
    const others = this.#watched.get(id);
    this.#watched.set(id, others === undefined ? [watcher] : [...others, watcher]);
  }

  unwatch(id: CallId, watcher: Watcher): void {
    const left = this.#watched.get(id)?.filter((other) => other !== watcher);
    if (left === undefined || left.length === 0) this.#watched.delete(id);
    else this.#watched.set(id, left);
  }

  /** A call has ended, as this node knows without a notification. */
  ended(id: CallId, ending: Ending): void {
    this.#notify(id, { kind: "ended", ending });
  }

  #notify(id: CallId, notification: CallNotification): void {
    for (const watcher of this.#watched.get(id) ?? []) this.#deliver(id, watcher, notification);
  }

  /** What one watcher cannot deal with, whatever a node of another version has written, costs that one alone. */
  #deliver(id: CallId, watcher: Watcher, notification: CallNotification): void {
    try {
      watcher.onNotification(notification);
    } catch (error) {
      this.#settings.log.error({ event: "ring_failed", call: id, notification: notification.kind, error });
    }
  }

  /**
   * Any number of notifications, each `<letter><call id> <length>\n` and as many bytes; see `notify` in call-lua.ts. Before them the
   * history that they were notified in, as `h<history> 0\n`, where they were to be confirmed.
   */
  #onMessage(keys: ShardKeys, message: Buffer): void {
    const { commits } = this.#settings.store;
    const unconfirmed: { readonly id: CallId; readonly ending: Ending }[] = [];
    let history = "";
    for (let at = 0; at < message.length; ) {
      const line = message.indexOf(0x0a, at);
      const said = message.toString("latin1", at, line);
      const space = said.indexOf(" ");
      const letter = said.charAt(0);
      const id = said.slice(1, space) as CallId; // the scripts notify by call ids only
      const end = line + 1 + Number(said.slice(space + 1));
      const rest = message.subarray(line + 1, end);
      at = end;
      if (letter === "h") history = id;
      else if (letter !== "t" || !commits.waits) this.#onNotification(letter, id, rest);
      else if (history === "" || rest.length === 0) this.#probeSoon(id);
      else if (this.#watched.has(id)) unconfirmed.push({ id, ending: parseEnding(rest) });
    }
    if (unconfirmed.length === 0) return;
    commits.confirm(keys, history).then(
      () => {
        for (const { id, ending } of unconfirmed) this.#notify(id, { kind: "ended", ending });
      },
      () => {}, // the next round asks again
    );
  }

  /** `t` with the terminal, or with nothing when it is long; `d`; `c` with attempt and reason. */
  #onNotification(letter: string, id: CallId, rest: Buffer): void {
    switch (letter) {
      case "t":
        if (rest.length === 0) this.#probeSoon(id);
        else this.#notify(id, { kind: "ended", ending: parseEnding(rest) });
        return;
      case "d":
        this.#notify(id, { kind: "output" });
        return;
      case "c": {
        const [attempt, reason] = rest.toString("latin1").split(" ");
        this.#settings.onStop({
          id,
          attempt: Number(attempt),
          reason: reason === "CANCELLED" ? "CANCELLED" : "DEADLINE_EXCEEDED",
        });
        return;
      }
      default:
        this.#settings.log.warn({ event: "doorbell_unknown", message: letter });
    }
  }

  /** Looks up, in one go, what one turn of the event loop heard of. */
  #probeSoon(id: CallId): void {
    if (!this.#watched.has(id)) return;
    if (this.#notified.push(id) > 1) return;
    setImmediate(() => void this.#probe(this.#notified.splice(0)));
  }

  #probeAll(): Promise<void> {
    return this.#runner.runOnAll((keys) => this.#probeShard(keys, this.#watched.keys()));
  }

  async #probe(ids: readonly CallId[]): Promise<void> {
    await Promise.all(this.#settings.store.keyspace.shards.map((keys) => this.#probeShard(keys, ids)));
  }

  async #probeShard(keys: ShardKeys, ids: readonly CallId[]): Promise<void> {
    const own = ids.filter((id) => this.#settings.store.keyspace.forCall(id) === keys);
    while (own.length > 0) {
      for (const untold of await this.#probeBatch(keys, own.splice(0, PROBE_BATCH))) own.push(untold);
    }
  }

  /** Returns those that are to be looked up again, since what there is of them is too much for one answer. */
  async #probeBatch(keys: ShardKeys, ids: readonly CallId[]): Promise<CallId[]> {
    const untold: CallId[] = [];
    try {
      const answers = await probeCalls(this.#settings.store, keys, ids);
      for (const [index, id] of ids.entries()) {
        const answer = answers[index];
        if (answer === undefined || answer.kind === "alive") continue;
        if (answer.kind === "untold") untold.push(id);
        else this.#notify(id, answer);
      }
    } catch (error) {
      // Redis is away: the next round asks again.
      this.#settings.log.debug({
        event: "probe_failed",
        message: error instanceof Error ? error.message : String(error),
      });
    }
    return untold;
  }

  /** Looks for calls whose end is long due. Lookups that wait for a Redis which stands still do not hold this up. */
  #giveUpOverdue(): void {
    const nowMs = this.#settings.monotonicMs();
    const found: CallId[] = [];
    for (const id of this.#watched.keys()) {
      const isDue = this.#watched.get(id)?.some(({ overdueAtMs }) => overdueAtMs <= nowMs);
      if (isDue === true && !this.#overdue.has(id)) found.push(id);
    }
    if (found.length === 0) return;
    for (const id of found) this.#overdue.add(id);
    void this.#giveUp(found);
  }

  /** Asks Redis once more, for a notification may have been lost; then the watchers hear that they are overdue. */
  async #giveUp(ids: readonly CallId[]): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LAST_PROBE_MS).unref();
    });
    await Promise.race([this.#probe(ids), patience]);
    clearTimeout(timer);
    const nowMs = this.#settings.monotonicMs();
    for (const id of ids) {
      this.#overdue.delete(id);
      for (const watcher of this.#watched.get(id) ?? [])
        if (watcher.overdueAtMs <= nowMs) this.#deliver(id, watcher, { kind: "overdue" });
    }
  }
}
