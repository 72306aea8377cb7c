import type { CallOutbox } from "../calls/call-outbox.js";
import type { CallStore } from "../calls/call-store.js";
import type { Completion } from "../calls/complete.js";
import type { StopNotice } from "../calls/doorbell.js";
import { renewClaims } from "../calls/renew-claims.js";
import { resumeCalls } from "../calls/take.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import type { Epoch, NodeId, ToolsetName } from "../identity/names.js";
import type { Logger } from "../log/logger.js";
import type { AttachResponse } from "../protocol/generated/toolgate/v1/AttachResponse.js";
import type { GoAwayReason } from "../protocol/generated/toolgate/v1/GoAwayReason.js";
import type { ShardKeys } from "../redis/keys.js";
import type { Subscriber } from "../redis/subscriber.js";
import { TurnBatch } from "../redis/turn-batch.js";
import { type Lease, renewLease, renewLeases } from "../registry/leases.js";
import { type Pong, type PongAnswer, recordPongs } from "../registry/pongs.js";
import type { RegistryStore } from "../registry/registry-store.js";
import type { EpochState } from "../registry/toolset-record.js";
import type { FrameSink } from "../server/frame-writer.js";
import { type DispatcherSettings, EpochDispatcher } from "./epoch-dispatcher.js";
import { type CallInHand, ProviderSession } from "./provider-session.js";

export interface ProviderSessionsSettings {
  readonly registry: RegistryStore;
  readonly calls: CallStore;
  readonly outboxOf: (keys: ShardKeys) => CallOutbox;
  readonly subscriber: Subscriber;
  readonly node: NodeId;
  readonly log: Logger;
  readonly monotonicMs: () => number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly missedPings: number;
  readonly drainGraceMs: number;
  /** What may wait for one provider that does not read, in bytes. */
  readonly budgetBytes: number;
}

/** What a provider asks for when it attaches. */
export interface AttachWish {
  readonly lease: Lease;
  readonly maxInFlight: number;
  readonly inHand: readonly { readonly id: CallId; readonly attempt: number }[];
}

/** How often waiting calls are looked for without a bell, in milliseconds. */
const SWEEP_INTERVAL_MS = 5_000;
/** How long to wait before a result is handed in again while Redis is away, in milliseconds. */
const RETRY_MS = 200;
/** Above so many bytes of output on their way to Redis, a provider is asked to pause. */
const OUTPUT_HIGH_BYTES = 1_048_576;
/** The most pongs that one script records. */
const MAX_PONGS = 128;

/** All provider sessions of this node: who is attached, what they have in hand, and that they are alive. */
export class ProviderSessions {
  readonly #settings: ProviderSessionsSettings;
  readonly #dispatchers = new Map<string, EpochDispatcher>();
  readonly #bells = new Map<string, Promise<() => void>>();
  readonly #byOwner = new Map<string, ProviderSession>();
  readonly #byCall = new Map<CallId, ProviderSession>();
  readonly #pongs = new Map<ShardKeys, TurnBatch<Pong, PongAnswer>>();
  readonly #dispatcherSettings: DispatcherSettings;
  #sessionNumber = 0;
  #draining = false;
  #timers: NodeJS.Timeout[] = [];
  #unsubscribe: () => void = () => {};

  constructor(settings: ProviderSessionsSettings) {
    this.#settings = settings;
    const { registry, calls, node, missedPings, log } = settings;
    for (const keys of registry.keyspace.shards) {
      this.#pongs.set(keys, new TurnBatch({ maxItems: MAX_PONGS }, (pongs) => recordPongs(registry, keys, pongs)));
    }
    this.#dispatcherSettings = {
      store: calls,
      node,
      missedPings,
      log,
      onTaken: (session, id) => this.#byCall.set(id, session),
      onLost: (session) => void this.#checkLease(session),
    };
  }

  async start(): Promise<void> {
    const { calls, leaseMs } = this.#settings;
    const shortestMs = Math.min(leaseMs, calls.claimLeaseMs.once, calls.claimLeaseMs.idempotent);
    this.#timers = [
      setInterval(() => void this.#renew(), Math.max(20, Math.floor(shortestMs / 4))),
      setInterval(() => this.wakeAll(), SWEEP_INTERVAL_MS),
    ];
    for (const timer of this.#timers) timer.unref();
    this.#unsubscribe = this.#settings.subscriber.onGap(() => this.wakeAll());
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#unsubscribe();
    for (const session of this.#byOwner.values()) this.close(session, "the node stops");
    for (const bell of this.#bells.values()) (await bell)();
    this.#bells.clear();
  }

  /** Sessions that are open. */
  get size(): number {
    return this.#byOwner.size;
  }

  /** Calls that providers have in hand through this node. */
  get callsInHand(): number {
    return this.#byCall.size;
  }

  /**
   * Opens a session: proves the lease, takes over what the provider has in hand, and says welcome.
   *
   * @throws ToolgateError LEASE_LOST, NODE_DRAINING, STORE_UNAVAILABLE
   */
  async attach(wish: AttachWish, sink: FrameSink<AttachResponse>, end: () => void): Promise<ProviderSession> {
    const { registry, calls, node, leaseMs, heartbeatMs, budgetBytes, monotonicMs } = this.#settings;
    if (this.#draining) throw new ToolgateError("NODE_DRAINING", `node "${node}" is stopping; attach to another one`);
    const { lease, maxInFlight, inHand } = wish;
    const taker = {
      provider: lease.provider,
      incarnation: lease.incarnation,
      session: `${node}#${++this.#sessionNumber}`,
    };
    const renewal = { lease, room: maxInFlight, draining: false, session: taker.session };
    const { state } = await renewLease(registry, leaseMs, renewal);
    const session = new ProviderSession({ lease, taker, maxInFlight, sink, budgetBytes, end, monotonicMs });
    this.#replace(session);
    const dispatcher = this.#dispatcherOf(lease.toolset, lease.epoch);
    await this.#bells.get(keyOf(lease.toolset, lease.epoch));
    const resumed = await resumeCalls(calls, node, lease.toolset, lease.epoch, taker, inHand);
    if (resumed.kind === "lost") {
      this.close(session, "the lease was lost");
      throw new ToolgateError(
        "LEASE_LOST",
        `provider "${lease.provider}" attached elsewhere at the same time; attach again`,
      );
    }
    const fenced = new Set<CallId>(resumed.fenced);
    session.welcome({
      welcome: {
        nodeId: node,
        state: toWireState(state),
        fenced: inHand
          .filter((call) => fenced.has(call.id))
          .map((call) => ({ callId: call.id, attempt: call.attempt })),
        heartbeatMs,
      },
    });
    for (const call of resumed.kept) session.keep(call);
    for (const call of resumed.undelivered) session.deliver(call);
    for (const id of session.inHand.keys()) this.#byCall.set(id, session);
    // A new epoch is pinged at once: its health must not wait for the next tick.
    session.ping("attach");
    dispatcher.sessions.add(session);
    dispatcher.wake();
    this.#settings.log.info({
      event: "provider_attached",
      toolset: lease.toolset,
      epoch: lease.epoch,
      provider: lease.provider,
      maxInFlight,
      inHand: inHand.length,
      fenced: fenced.size,
    });
    return session;
  }

  /** The call that a provider speaks of, if it still has it through this session. */
  callOf(session: ProviderSession, id: CallId, attempt: number): CallInHand | undefined {
    const call = session.inHand.get(id);
    return call?.attempt === attempt ? call : undefined;
  }

  /** The provider gave a sign of life. */
  heard(session: ProviderSession): void {
    session.lastHeardMs = this.#settings.monotonicMs();
  }

  ponged(session: ProviderSession): void {
    const { toolset, epoch } = session.lease;
    const { provider, incarnation } = session.taker;
    session.ponged();
    const keys = this.#settings.registry.keyspace.forToolset(toolset);
    // A pong that is lost with Redis is followed by the next one; a refused one means a lost lease, which renewal notices.
    this.#pongs
      .get(keys)
      ?.add({ toolset, epoch, provider, incarnation })
      .catch((error: unknown) => this.#onStoreError("pong_failed", error));
  }

  /** Hands output on; the provider is asked to pause while too much of it is on its way. */
  append(session: ProviderSession, call: CallInHand, data: Buffer): void {
    session.outputBytes += data.length;
    if (!session.outputPaused && session.outputBytes > OUTPUT_HIGH_BYTES) session.pauseOutput(true);
    call.output = this.#outbox(session)
      .append({ id: call.id, owner: session.owner, attempt: call.attempt, data })
      .then(
        (answer) => {
          if (answer === "over")
            this.abort(session, call, { kind: "tool_error", reason: "OUTPUT_TOO_LARGE", body: Buffer.alloc(0) });
          else if (answer === "fenced") session.cancel(call.id, "CANCEL_REASON_FENCED");
        },
        (error: unknown) => this.#onStoreError("output_lost", error),
      )
      .finally(() => {
        session.outputBytes -= data.length;
        if (session.outputPaused && session.outputBytes < OUTPUT_HIGH_BYTES / 2) session.pauseOutput(false);
      });
  }

  /** Ends a call with what its provider answered, and tells the provider when that is settled. */
  async complete(
    session: ProviderSession,
    call: CallInHand,
    end: Pick<Completion, "kind" | "reason" | "body">,
  ): Promise<void> {
    session.settling(call);
    // Its slot is free: there may be another call for it.
    this.#pump(session);
    // Nothing of a call comes after its end.
    if (call.output !== undefined) await call.output;
    for (;;) {
      try {
        const answer = await this.#outbox(session).complete({
          id: call.id,
          owner: session.owner,
          attempt: call.attempt,
          ...end,
        });
        this.#byCall.delete(call.id);
        session.settled(call.id, call.attempt, answer === "accepted");
        this.#endWhenDrained(session);
        return;
      } catch (error) {
        this.#onStoreError("complete_failed", error);
        if (session.state.kind === "closed") return; // the provider still has the result, and attaches with it
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** Ends a call whose output breaks a rule, and tells its provider to stop. */
  abort(session: ProviderSession, call: CallInHand, end: Pick<Completion, "kind" | "reason" | "body">): void {
    if (call.stage === "settling") return;
    session.cancel(call.id, "CANCEL_REASON_OUTPUT_LIMIT");
    void this.complete(session, call, end);
  }

  /** A provider's result for a call that it does not have (any more). */
  refuse(session: ProviderSession, id: CallId, attempt: number): void {
    session.settled(id, attempt, false);
  }

  /** Asks a provider to stop a call; for a call that another node delivers, that node hears it by itself. */
  stopCall(notice: StopNotice): void {
    const session = this.#byCall.get(notice.id);
    if (session?.inHand.get(notice.id)?.attempt !== notice.attempt) return;
    session.cancel(notice.id, notice.reason === "CANCELLED" ? "CANCEL_REASON_CANCELLED" : "CANCEL_REASON_DEADLINE");
  }

  /** The provider takes no more calls; its lease says so to all nodes. */
  async drainByProvider(session: ProviderSession): Promise<void> {
    session.drain(undefined, 0);
    const { registry, leaseMs } = this.#settings;
    try {
      await renewLease(registry, leaseMs, { lease: session.lease, room: 0, draining: true, session: "" });
    } catch (error) {
      this.#onStoreError("drain_failed", error);
    }
    this.#endWhenDrained(session);
  }

  /** Hands a ping to each session of an epoch. */
  ping(toolset: ToolsetName, epoch: Epoch, nonce: string): void {
    for (const session of this.#dispatchers.get(keyOf(toolset, epoch))?.sessions ?? []) session.ping(nonce);
  }

  /** Epochs that have sessions here. */
  *epochs(): Iterable<{ readonly toolset: ToolsetName; readonly epoch: Epoch }> {
    for (const dispatcher of this.#dispatchers.values()) {
      if (dispatcher.sessions.size > 0) yield { toolset: dispatcher.toolset, epoch: dispatcher.epoch };
    }
  }

  /** Tells an epoch's providers that another one is active. */
  superseded(toolset: ToolsetName, epoch: Epoch, activeEpoch: Epoch, activeVersion: string): void {
    for (const session of this.#dispatchers.get(keyOf(toolset, epoch))?.sessions ?? [])
      session.superseded(activeEpoch, activeVersion);
  }

  /** Tells an epoch's providers to go for good: its time is over, or it was unregistered. */
  retire(toolset: ToolsetName, epoch: Epoch): void {
    for (const session of this.#dispatchers.get(keyOf(toolset, epoch))?.sessions ?? [])
      this.#goAway(session, "GO_AWAY_REASON_RETIRED");
  }

  /** Tells all providers to move to another node, and takes no new ones. */
  drainNode(): void {
    this.#draining = true;
    for (const session of [...this.#byOwner.values()]) this.#goAway(session, "GO_AWAY_REASON_NODE_DRAINING");
  }

  wakeAll(): void {
    for (const dispatcher of this.#dispatchers.values()) dispatcher.wake();
  }

  /** Lets go of a session; what its provider has in hand stays the provider's until its claims end. */
  close(session: ProviderSession, reason: string): void {
    if (session.state.kind === "closed" && !this.#knows(session)) return;
    for (const id of session.inHand.keys()) if (this.#byCall.get(id) === session) this.#byCall.delete(id);
    const inHand = session.inHand.size;
    session.close(reason);
    const { toolset, epoch, provider } = session.lease;
    if (this.#byOwner.get(ownerKey(session)) === session) this.#byOwner.delete(ownerKey(session));
    const key = keyOf(toolset, epoch);
    const dispatcher = this.#dispatchers.get(key);
    dispatcher?.sessions.delete(session);
    if (dispatcher?.sessions.size === 0) {
      this.#dispatchers.delete(key);
      const bell = this.#bells.get(key);
      this.#bells.delete(key);
      void bell?.then((unsubscribe) => unsubscribe());
    }
    this.#settings.log.info({ event: "provider_detached", toolset, epoch, provider, reason, inHand });
  }

  /** A provider gave its lease back: its session, if it is here, speaks for nobody any more. */
  released(lease: Lease): void {
    const session = this.#byOwner.get(ownerKeyOf(lease));
    if (session !== undefined) this.close(session, "the provider released its lease");
  }

  /** Extends the claims of a provider that renews by itself; those that are not its own any more come back. */
  async renewInHand(lease: Lease, inHand: AttachWish["inHand"]): Promise<AttachWish["inHand"]> {
    const { calls, node, registry } = this.#settings;
    const owner = `${lease.provider}/${lease.incarnation}`;
    const claims = inHand.map(({ id, attempt }) => ({ id, owner, attempt, heardAgoMs: 0 }));
    const answers = await renewClaims(calls, registry.keyspace.forToolset(lease.toolset), node, claims);
    return inHand.filter((_, index) => answers[index] === "fenced");
  }

  #knows(session: ProviderSession): boolean {
    return this.#byOwner.get(ownerKey(session)) === session;
  }

  /** An earlier session of the same provider ends: its stream was lost, and nobody has noticed yet. */
  #replace(session: ProviderSession): void {
    const former = this.#byOwner.get(ownerKey(session));
    if (former !== undefined) this.close(former, "the provider attached anew");
    this.#byOwner.set(ownerKey(session), session);
  }

  #dispatcherOf(toolset: ToolsetName, epoch: Epoch): EpochDispatcher {
    const key = keyOf(toolset, epoch);
    const known = this.#dispatchers.get(key);
    if (known !== undefined) return known;
    const dispatcher = new EpochDispatcher(toolset, epoch, this.#dispatcherSettings);
    this.#dispatchers.set(key, dispatcher);
    const channel = this.#settings.registry.keyspace.forToolset(toolset).work(toolset, epoch);
    this.#bells.set(
      key,
      this.#settings.subscriber.subscribe(channel, () => dispatcher.wake()),
    );
    return dispatcher;
  }

  #pump(session: ProviderSession): void {
    this.#dispatchers.get(keyOf(session.lease.toolset, session.lease.epoch))?.pump();
  }

  #outbox(session: ProviderSession): CallOutbox {
    return this.#settings.outboxOf(this.#settings.registry.keyspace.forToolset(session.lease.toolset));
  }

  #goAway(session: ProviderSession, reason: GoAwayReason): void {
    session.drain(reason, this.#settings.drainGraceMs);
    this.#endWhenDrained(session);
  }

  /** A draining session ends when nothing is in hand; a provider that moves ends its stream itself. */
  #endWhenDrained(session: ProviderSession): void {
    if (session.state.kind !== "draining" || session.inHand.size > 0) return;
    this.close(session, "drained");
  }

  /** Keeps alive what the providers keep alive: heartbeats out, leases and claims forward for those that were heard. */
  async #renew(): Promise<void> {
    const { registry, leaseMs, heartbeatMs, monotonicMs } = this.#settings;
    const nowMs = monotonicMs();
    for (const session of [...this.#byOwner.values()]) {
      if (nowMs - session.lastHeardMs > Math.max(3 * heartbeatMs, leaseMs))
        this.close(session, "the provider was silent");
      // Providers with calls in hand are asked at each turn: their claims depend on it.
      else if (session.inHand.size > 0 || nowMs - session.heartbeatAtMs >= heartbeatMs) session.heartbeat();
    }
    for (const keys of registry.keyspace.shards) {
      const sessions = [...this.#byOwner.values()].filter(
        (session) => registry.keyspace.forToolset(session.lease.toolset) === keys,
      );
      try {
        await this.#renewLeases(sessions, nowMs);
        await this.#renewClaims(keys, sessions, nowMs);
      } catch (error) {
        this.#onStoreError("renew_failed", error);
      }
    }
  }

  async #renewLeases(sessions: readonly ProviderSession[], nowMs: number): Promise<void> {
    const { registry, leaseMs } = this.#settings;
    const old = sessions.filter(
      (session) => nowMs - session.leasedAtMs >= leaseMs / 3 && nowMs - session.lastHeardMs < leaseMs,
    );
    const renewals = old.map((session) => ({ lease: session.lease, room: 0, draining: false, session: "" }));
    const answers = await renewLeases(registry, leaseMs, renewals);
    for (const [index, session] of old.entries()) {
      const answer = answers[index];
      if (answer?.kind === "held") session.leasedAtMs = nowMs;
      else if (answer !== undefined) this.#leaseLost(session, answer.kind);
    }
  }

  async #renewClaims(keys: ShardKeys, sessions: readonly ProviderSession[], nowMs: number): Promise<void> {
    const { calls, node } = this.#settings;
    const held = sessions.flatMap((session) =>
      [...session.inHand.values()]
        .filter((call) => session.lastHeardMs > call.claimedAtMs)
        .map((call) => ({ session, call })),
    );
    const claims = held.map(({ session, call }) => ({
      id: call.id,
      owner: session.owner,
      attempt: call.attempt,
      heardAgoMs: Math.max(0, nowMs - session.lastHeardMs),
    }));
    const answers = await renewClaims(calls, keys, node, claims);
    for (const [index, { session, call }] of held.entries()) {
      if (session.inHand.get(call.id) !== call || call.stage === "settling") continue;
      call.claimedAtMs = session.lastHeardMs;
      if (answers[index] === "cancel") session.cancel(call.id, "CANCEL_REASON_CANCELLED");
      else if (answers[index] === "fenced") {
        session.cancel(call.id, "CANCEL_REASON_FENCED");
        session.forget(call.id);
        this.#byCall.delete(call.id);
        this.#pump(session);
      }
    }
  }

  /** Why a session may take no calls: its lease is gone, or another session speaks for the provider. */
  async #checkLease(session: ProviderSession): Promise<void> {
    if (session.state.kind === "closed") return;
    try {
      const renewal = { lease: session.lease, room: 0, draining: false, session: "" };
      const [answer] = await renewLeases(this.#settings.registry, this.#settings.leaseMs, [renewal]);
      if (answer?.kind === "held") this.close(session, "the provider attached elsewhere");
      else if (answer !== undefined) this.#leaseLost(session, answer.kind);
    } catch (error) {
      this.#onStoreError("lease_check_failed", error);
    }
  }

  #leaseLost(session: ProviderSession, kind: "lost" | "replaced" | "gone"): void {
    const reasons = {
      lost: "GO_AWAY_REASON_LEASE_LOST",
      replaced: "GO_AWAY_REASON_REPLACED",
      gone: "GO_AWAY_REASON_RETIRED",
    } as const;
    session.drain(reasons[kind], 0);
    this.close(session, `lease ${kind}`);
  }

  #onStoreError(event: string, error: unknown): void {
    this.#settings.log.warn({ event, message: error instanceof Error ? error.message : String(error) });
  }
}

const keyOf = (toolset: ToolsetName, epoch: Epoch): string => `${toolset}@${epoch}`;
const ownerKeyOf = (lease: Lease): string =>
  `${keyOf(lease.toolset, lease.epoch)}/${lease.provider}/${lease.incarnation}`;
const ownerKey = (session: ProviderSession): string => ownerKeyOf(session.lease);

/** An epoch's state on the wire. */
export function toWireState(
  state: EpochState,
): "EPOCH_STATE_CANDIDATE" | "EPOCH_STATE_ACTIVE" | "EPOCH_STATE_RETIRING" {
  return (
    { candidate: "EPOCH_STATE_CANDIDATE", active: "EPOCH_STATE_ACTIVE", retiring: "EPOCH_STATE_RETIRING" } as const
  )[state];
}
