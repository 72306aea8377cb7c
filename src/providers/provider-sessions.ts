import { setTimeout as sleep } from "node:timers/promises";
import { ChurnMap } from "../async/churn-map.js";
import { forEachInSlices } from "../async/for-each-in-slices.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId, ToolsetName } from "../identity/names.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { NodeTraces } from "../observe/traces/node-traces.js";
import type { ShardKeys } from "../redis/keys.js";
import type { Subscriber } from "../redis/subscriber.js";
import { TurnBatch } from "../redis/turn-batch.js";
import type { Offer } from "../store/calls/admit.js";
import type { StopNotice } from "../store/calls/call-notifications.js";
import type { CallStore } from "../store/calls/call-store.js";
import type { LostCalls } from "../store/calls/lost-calls.js";
import { type Resumption, resumeCalls } from "../store/calls/take.js";
import { type Lease, type LeaseEnd, renewLease, renewLeases } from "../store/registry/leases.js";
import { type Pong, type PongAnswer, recordPongs } from "../store/registry/pongs.js";
import type { RegistryStore } from "../store/registry/registry-store.js";
import { type DispatcherSettings, EpochDispatcher, SWEEP_INTERVAL_MS } from "./epoch-dispatcher.js";
import type { GoAwayCause, OpenChannel } from "./provider-channel.js";
import { type CallInHand, epochKey, ProviderSession } from "./provider-session.js";

export interface ProviderSessionsSettings {
  readonly registry: RegistryStore;
  readonly calls: CallStore;
  readonly lost: Pick<LostCalls, "end">;
  readonly subscriber: Subscriber;
  readonly node: NodeId;
  readonly log: Logger;
  readonly faults: FaultLog;
  /** Absent where nothing is traced. */
  readonly traces?: NodeTraces | undefined;
  readonly monotonicMs: () => number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly missedPings: number;
  readonly drainGraceMs: number;
  /** A session was refused calls: its lease is gone, or another session speaks for its provider. */
  readonly onTakeRefused: (session: ProviderSession) => void;
  /** A provider was given a call that its channel does not take. */
  readonly onUndeliverable: (session: ProviderSession, call: CallInHand) => void;
}

/** What a provider asks for when it attaches. */
export interface AttachWish {
  readonly lease: Lease;
  readonly maxInFlight: number;
  readonly inHand: readonly { readonly id: CallId; readonly attempt: number }[];
  /** What it speaks with, for logs. */
  readonly clientVersion: string;
}

/** The most pongs that one script records. */
const MAX_PONGS = 128;
/**
 * How many of an epoch's providers are pinged at once, and the pause before the next ones, in milliseconds: thousands of pongs at the
 * same moment would hold up all else that comes. Ten thousand take two seconds.
 */
const PINGED_AT_ONCE = 50;
const PING_PAUSE_MS = 10;

/** What became of pings and leases since the node started. */
export interface ProviderCounters {
  readonly pings: number;
  readonly pongs: number;
  readonly leasesLost: number;
}

/** The sessions as they are now. */
export interface ProviderTotals {
  /** How many are in each state; `silent`: they miss more pings than they may. */
  readonly sessions: Readonly<Record<"opening" | "ready" | "silent" | "draining", number>>;
  /** How many calls their providers take at once. */
  readonly room: number;
  /** How many more they take now. */
  readonly credits: number;
}

/** All provider sessions of this node: the attached providers, and what they have in hand. */
export class ProviderSessions {
  readonly #counters = { pings: 0, pongs: 0, leasesLost: 0 };
  readonly #settings: ProviderSessionsSettings;
  readonly #dispatchers = new Map<string, EpochDispatcher>();
  readonly #subscriptions = new Map<string, Promise<() => void>>();
  readonly #byOwner = new Map<string, ProviderSession>();
  readonly #byCall = new ChurnMap<CallId, ProviderSession>();
  readonly #pongs = new Map<ShardKeys, TurnBatch<Pong, PongAnswer>>();
  readonly #dispatcherSettings: DispatcherSettings;
  #sessionNumber = 0;
  #draining = false;
  #sweep: NodeJS.Timeout | undefined;
  #unsubscribe: () => void = () => {};

  constructor(settings: ProviderSessionsSettings) {
    this.#settings = settings;
    const { registry, calls, node, missedPings, faults } = settings;
    for (const keys of registry.keyspace.shards) {
      this.#pongs.set(keys, new TurnBatch({ maxItems: MAX_PONGS }, (pongs) => recordPongs(registry, keys, pongs)));
    }
    this.#dispatcherSettings = {
      store: calls,
      node,
      missedPings,
      faults,
      onTaken: (session, id) => this.#byCall.set(id, session),
      onLost: settings.onTakeRefused,
      onAnswered: (session) => this.#endWhenDrained(session),
    };
  }

  start(): void {
    this.#sweep = setInterval(() => this.wakeAll(), SWEEP_INTERVAL_MS);
    this.#sweep.unref();
    this.#unsubscribe = this.#settings.subscriber.onGap(() => this.wakeAll());
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweep);
    this.#unsubscribe();
    for (const session of this.all()) this.close(session, "the node stops");
    for (const subscription of this.#subscriptions.values()) (await subscription)();
    this.#subscriptions.clear();
  }

  /** How many sessions are open. */
  get size(): number {
    return this.#byOwner.size;
  }

  /** How many calls their providers have in hand. */
  get callsInHand(): number {
    return this.#byCall.size;
  }

  get counters(): ProviderCounters {
    return this.#counters;
  }

  totals(): ProviderTotals {
    const sessions = { opening: 0, ready: 0, silent: 0, draining: 0 };
    let [room, credits] = [0, 0];
    for (const session of this.#byOwner.values()) {
      const { kind } = session.state;
      if (kind === "closed") continue;
      sessions[kind === "ready" && this.#missesPings(session) ? "silent" : kind]++;
      room += session.maxInFlight;
      credits += session.credits(this.#settings.missedPings);
    }
    return { sessions, room, credits };
  }

  /** The open sessions, as of now. */
  all(): readonly ProviderSession[] {
    return [...this.#byOwner.values()];
  }

  /**
   * Opens a session: proves the lease, takes over what the provider has in hand, and says welcome.
   *
   * @throws ToolgateError LEASE_LOST, NODE_DRAINING, STORE_UNAVAILABLE
   */
  async attach(wish: AttachWish, open: OpenChannel): Promise<ProviderSession> {
    const { registry, calls, node, leaseMs, heartbeatMs, monotonicMs } = this.#settings;
    if (this.#draining) throw new ToolgateError("NODE_DRAINING", `node "${node}" is stopping; attach to another one`);
    const { lease, maxInFlight, inHand, clientVersion } = wish;
    const taker = {
      provider: lease.provider,
      incarnation: lease.incarnation,
      session: `${node}#${++this.#sessionNumber}`,
    };
    const renewal = { lease, room: maxInFlight, routing: "keep", session: taker.session } as const;
    const { state } = await renewLease(registry, leaseMs, renewal);
    const session = new ProviderSession({
      ...{ lease, taker, maxInFlight, open, monotonicMs, traces: this.#settings.traces },
      onUndeliverable: this.#settings.onUndeliverable,
      onRoom: (room) => this.pump(room),
    });
    this.#replace(session);
    const dispatcher = this.#dispatcherOf(lease.toolset, lease.epoch);
    // It takes nothing before it is open, but the dispatcher and its subscription have to stay until then.
    dispatcher.sessions.add(session);
    let resumed: Resumption;
    try {
      await this.#subscriptions.get(epochKey(lease.toolset, lease.epoch));
      resumed = await resumeCalls(calls, node, lease.toolset, lease.epoch, taker, inHand);
    } catch (error) {
      this.close(session, "it could not be opened", error);
      throw error;
    }
    if (resumed.kind === "lost" || session.state.kind === "closed") {
      this.close(session, "the lease was lost");
      throw new ToolgateError(
        "LEASE_LOST",
        `provider "${lease.provider}" attached elsewhere at the same time; attach again`,
      );
    }
    session.welcome({ node, state, fenced: resumed.fenced, heartbeatMs });
    for (const call of resumed.kept) session.keep(call);
    session.redeliver(resumed.undelivered);
    if (resumed.rest !== undefined) dispatcher.resumeLater(session, resumed.rest);
    for (const id of session.inHand.keys()) this.#byCall.set(id, session);
    // A new epoch is pinged at once: its health must not wait for the next tick.
    session.ping("attach");
    this.#counters.pings++;
    dispatcher.pump(); // with its first pong it gets calls
    this.#settings.log.info({
      event: "provider_attached",
      toolset: lease.toolset,
      epoch: lease.epoch,
      provider: lease.provider,
      client: clientVersion,
      maxInFlight,
      inHand: inHand.length,
      fenced: resumed.fenced.length,
    });
    // The node began to stop meanwhile.
    if (this.#draining) this.#goAway(session, "draining");
    return session;
  }

  /** The provider gave a sign of life. */
  heard(session: ProviderSession): void {
    session.lastHeardMs = this.#settings.monotonicMs();
  }

  ponged(session: ProviderSession): void {
    const { toolset, epoch } = session.lease;
    const { provider, incarnation } = session.taker;
    const isRouted = session.hasPonged && !this.#missesPings(session);
    this.#answers(session);
    const keys = this.#settings.registry.keyspace.forToolset(toolset);
    // A pong that is lost with Redis is followed by the next one; a refused one means a lost lease, which renewal notices.
    this.#pongs
      .get(keys)
      ?.add({ toolset, epoch, provider, incarnation })
      .then((answer) => {
        if (answer !== "refused") session.ready();
        if (!isRouted && answer === "awaited") this.#dispatchers.get(session.epochKey)?.wake();
      })
      .catch((error: unknown) => this.#settings.faults.warn({ event: "pong_failed", error }));
  }

  /** A provider of an epoch, by the owner's name, has answered the ping of its session at some node; that is recorded. */
  #pongedOutside(key: string, owner: string): void {
    const session = this.#byOwner.get(`${key}/${owner}`);
    if (session === undefined) return;
    this.#answers(session);
    session.ready();
  }

  #answers(session: ProviderSession): void {
    this.#counters.pongs++;
    const { toolset, epoch, provider } = session.lease;
    if (this.#missesPings(session))
      this.#settings.log.info({ event: "provider_answers_again", toolset, epoch, provider });
    session.ponged();
  }

  /** Whether it has missed more pings than it may. */
  #missesPings(session: ProviderSession): boolean {
    return session.missedPings > this.#settings.missedPings;
  }

  /** Sessions of an epoch with room for calls, set aside for a script that admits some. */
  offer(toolset: ToolsetName, epoch: Epoch, calls: number): Offer | undefined {
    return this.#dispatchers.get(epochKey(toolset, epoch))?.offer(calls);
  }

  /** A slot of a session is free: there may be a call for it. */
  pump(session: ProviderSession): void {
    this.#dispatchers.get(session.epochKey)?.pump();
  }

  /** A result was dealt with: its provider may forget the call. */
  settled(session: ProviderSession, { id, attempt }: CallInHand, accepted: boolean): void {
    session.settled(id, attempt, accepted);
    this.#letGo(session, id);
    this.#endWhenDrained(session);
  }

  /** A call is not this provider's any more: it should stop, and its result would be refused. */
  fenced(session: ProviderSession, { id }: CallInHand): void {
    session.cancel(id, "FENCED");
    session.forget(id);
    this.#letGo(session, id);
    this.pump(session);
    this.#endWhenDrained(session);
  }

  /** A later attempt of the call may be in other hands, and is reported there. */
  #letGo(session: ProviderSession, id: CallId): void {
    if (this.#byCall.get(id) === session && !session.inHand.has(id)) this.#byCall.delete(id);
  }

  /** A call's record is lost while its provider has it in hand. */
  missed(call: CallInHand): void {
    const { lost } = this.#settings;
    // The call's waiters will miss it too.
    lost.end(call).catch((error: unknown) => this.#settings.faults.warn({ event: "lose_failed", error }));
  }

  /** The provider's lease is gone: it hears how to go on, and the session ends. */
  leaseLost(session: ProviderSession, kind: LeaseEnd): void {
    this.#counters.leasesLost++;
    // What took the lease may have taken the calls' records too.
    if (kind === "lost") for (const call of session.inHand.values()) this.missed(call);
    session.drain(kind, 0);
    this.close(session, `lease ${kind}`);
  }

  /** Asks a provider to stop a call; for a call that another node delivers, that node hears it by itself. */
  stopCall(notice: StopNotice): void {
    const session = this.#byCall.get(notice.id);
    if (session?.inHand.get(notice.id)?.attempt !== notice.attempt) return;
    session.cancel(notice.id, notice.reason);
  }

  /** The provider takes no more calls; its lease says so to all nodes. */
  async drainByProvider(session: ProviderSession): Promise<void> {
    session.drain(undefined, 0);
    await this.#drainLease(session);
    this.#endWhenDrained(session);
  }

  async #drainLease(session: ProviderSession): Promise<void> {
    await this.#drainLeases([session]);
  }

  async #drainLeases(sessions: readonly ProviderSession[]): Promise<void> {
    const { registry, leaseMs, faults } = this.#settings;
    const renewals = sessions.map(({ lease }) => ({ lease, room: 0, routing: "drain", session: "" }) as const);
    try {
      await renewLeases(registry, leaseMs, renewals);
    } catch (error) {
      faults.warn({ event: "drain_failed", error });
    }
  }

  /**
   * Hands a ping to each session of an epoch, to some after the others where it has many. Those that have missed too many get no calls until they pong, nor does their room
   * count; said each time, for what was written before may be lost with Redis, or not have come there.
   */
  async ping(toolset: ToolsetName, epoch: Epoch, nonce: string): Promise<void> {
    const silent: ProviderSession[] = [];
    const sessions = [...(this.#dispatchers.get(epochKey(toolset, epoch))?.sessions ?? [])];
    for (let from = 0; from < sessions.length; from += PINGED_AT_ONCE) {
      if (from > 0) await sleep(PING_PAUSE_MS, undefined, { ref: false });
      for (const session of sessions.slice(from, from + PINGED_AT_ONCE)) {
        if (session.state.kind === "closed") continue;
        session.ping(nonce);
        this.#counters.pings++;
        if (this.#missesPings(session)) silent.push(session);
      }
    }
    if (silent.length > 0) await this.#takeOut(silent);
  }

  async #takeOut(sessions: readonly ProviderSession[]): Promise<void> {
    const { registry, leaseMs, missedPings, log, faults } = this.#settings;
    for (const { lease, missedPings: missed } of sessions) {
      const { toolset, epoch, provider } = lease;
      if (missed === missedPings + 1) log.warn({ event: "provider_misses_pings", toolset, epoch, provider });
    }
    try {
      const renewals = sessions.map(({ lease, taker }) => {
        return { lease, room: 0, routing: "out", session: taker.session } as const;
      });
      await renewLeases(registry, leaseMs, renewals);
    } catch (error) {
      faults.warn({ event: "take_out_failed", error });
    }
  }

  /** Does something with each session of an epoch that is open as its turn comes; thousands of them do not hold up the others. */
  async #eachOf(key: string, each: (session: ProviderSession) => void): Promise<void> {
    await forEachInSlices([...(this.#dispatchers.get(key)?.sessions ?? [])], this.#settings.monotonicMs, (session) => {
      if (session.state.kind !== "closed") each(session);
    });
  }

  /** Epochs that have sessions here. */
  *epochs(): Iterable<{ readonly toolset: ToolsetName; readonly epoch: Epoch }> {
    for (const dispatcher of this.#dispatchers.values()) {
      if (dispatcher.sessions.size > 0) yield { toolset: dispatcher.toolset, epoch: dispatcher.epoch };
    }
  }

  /** Tells an epoch's providers that another one is active. */
  async superseded(toolset: ToolsetName, epoch: Epoch, activeEpoch: Epoch, activeVersion: string): Promise<void> {
    await this.#eachOf(epochKey(toolset, epoch), (session) => session.superseded(activeEpoch, activeVersion));
  }

  /** Tells an epoch's providers to go for good: its time is over, or it was unregistered. */
  async retire(toolset: ToolsetName, epoch: Epoch, why: "gone" | "unregistered"): Promise<void> {
    const retired: ProviderSession[] = [];
    await this.#eachOf(epochKey(toolset, epoch), (session) => {
      if (session.state.kind !== "draining") retired.push(session);
      this.#goAway(session, why);
    });
    if (retired.length > 0) await this.#drainLeases(retired);
  }

  /** Tells all providers to move to another node, and takes no new ones. */
  drainNode(): void {
    this.#draining = true;
    void forEachInSlices(this.all(), this.#settings.monotonicMs, (session) => this.#goAway(session, "draining"));
  }

  wakeAll(): void {
    for (const dispatcher of this.#dispatchers.values()) dispatcher.wake();
  }

  /** Lets go of a session; what its provider has in hand stays the provider's until its claims end. */
  close(session: ProviderSession, reason: string, error?: unknown): void {
    if (session.state.kind === "closed" && !this.#knows(session)) return;
    for (const id of session.inHand.keys()) if (this.#byCall.get(id) === session) this.#byCall.delete(id);
    const inHand = session.inHand.size;
    session.close(reason, error);
    const { toolset, epoch, provider } = session.lease;
    if (this.#byOwner.get(ownerKey(session)) === session) this.#byOwner.delete(ownerKey(session));
    const key = epochKey(toolset, epoch);
    const dispatcher = this.#dispatchers.get(key);
    dispatcher?.sessions.delete(session);
    if (dispatcher?.sessions.size === 0) {
      this.#dispatchers.delete(key);
      const subscription = this.#subscriptions.get(key);
      this.#subscriptions.delete(key);
      void subscription?.then((unsubscribe) => unsubscribe());
    }
    this.#settings.log.info({ event: "provider_detached", toolset, epoch, provider, reason, inHand });
  }

  /** A provider gave its lease back: its session, if it is here, holds no lease any more. */
  released(lease: Lease): void {
    const session = this.#byOwner.get(ownerKeyOf(lease));
    if (session !== undefined) this.close(session, "the provider released its lease");
  }

  #knows(session: ProviderSession): boolean {
    return this.#byOwner.get(ownerKey(session)) === session;
  }

  /** An earlier session of the same provider ends: its stream was lost, and that has not been noticed yet. */
  #replace(session: ProviderSession): void {
    const former = this.#byOwner.get(ownerKey(session));
    if (former !== undefined) this.close(former, "the provider attached anew");
    this.#byOwner.set(ownerKey(session), session);
  }

  #dispatcherOf(toolset: ToolsetName, epoch: Epoch): EpochDispatcher {
    const key = epochKey(toolset, epoch);
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const dispatcher = new EpochDispatcher(toolset, epoch, this.#dispatcherSettings);
    this.#dispatchers.set(key, dispatcher);
    const channel = this.#settings.registry.keyspace.forToolset(toolset).work(toolset, epoch);
    this.#subscriptions.set(
      key,
      this.#settings.subscriber.subscribe(channel, (message) => {
        if (message.length > 0) this.#pongedOutside(key, message.toString());
        dispatcher.wake();
      }),
    );
    return dispatcher;
  }

  #goAway(session: ProviderSession, cause: GoAwayCause): void {
    session.drain(cause, this.#settings.drainGraceMs);
    this.#endWhenDrained(session);
  }

  /**
   * A draining session ends when nothing is in hand, nor on its way: its provider gives its lease back then, and what was
   * claimed for it would be lost. A provider that moves ends its stream itself.
   */
  #endWhenDrained(session: ProviderSession): void {
    if (session.state.kind !== "draining" || session.inHand.size > 0) return;
    if (this.#dispatchers.get(session.epochKey)?.awaits(session)) return;
    this.close(session, "drained");
  }
}

const ownerKeyOf = (lease: Lease): string =>
  `${epochKey(lease.toolset, lease.epoch)}/${lease.provider}/${lease.incarnation}`;
const ownerKey = (session: ProviderSession): string => ownerKeyOf(session.lease);
