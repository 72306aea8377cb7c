import { every, type Repeating } from "../async/every.js";
import { forEachInSlices } from "../async/for-each-in-slices.js";
import type { CallId } from "../identity/call-id.js";
import type { NodeId } from "../identity/names.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import { ShardRunner } from "../redis/shard-runner.js";
import type { CallStore } from "../store/calls/call-store.js";
import { renewClaims } from "../store/calls/renew-claims.js";
import { type Lease, renewLeases } from "../store/registry/leases.js";
import type { RegistryStore } from "../store/registry/registry-store.js";
import type { ProviderSession } from "./provider-session.js";
import type { ProviderSessions } from "./provider-sessions.js";

export interface KeepAliveSettings {
  readonly registry: RegistryStore;
  readonly calls: CallStore;
  readonly sessions: ProviderSessions;
  readonly node: NodeId;
  readonly faults: FaultLog;
  readonly monotonicMs: () => number;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
}

/** A call that a provider names as its own. */
export type NamedCall = { readonly id: CallId; readonly attempt: number };

/** Heartbeats for which a session may be silent; then its provider is lost. */
const SILENT_HEARTBEATS = 3;

/**
 * Keeps alive what the providers keep alive: heartbeats go out, and leases and claims forward as long as their session is open. So
 * a claim outlives any silence that a session may keep, such as that of a provider whose loop is busy, and its lease counts
 * from when the provider is lost: its stream ended, its node died, or it was silent for three heartbeats.
 */
export class KeepAlive {
  readonly #settings: KeepAliveSettings;
  readonly #loop: Repeating;
  readonly #runner: ShardRunner;
  readonly #everyMs: number;
  #turnAtMs: number | undefined;
  #beating: Promise<void> = Promise.resolve();

  constructor(settings: KeepAliveSettings) {
    this.#settings = settings;
    const { calls, leaseMs, heartbeatMs } = settings;
    const shortestMs = Math.min(leaseMs, calls.claimLeaseMs.once, calls.claimLeaseMs.idempotent);
    this.#everyMs = Math.max(20, Math.min(heartbeatMs, Math.floor(shortestMs / 4)));
    this.#runner = new ShardRunner(calls.keyspace.shards, (error) => this.#failed(error));
    this.#loop = every(
      () => this.#everyMs,
      async () => {
        this.#beating = this.#turn();
      },
      (error) => this.#failed(error),
    );
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#beating;
    await this.#runner.idle();
  }

  /** Why a session may take no calls: its lease is gone, or another session speaks for the provider. */
  async check(session: ProviderSession): Promise<void> {
    if (session.state.kind === "closed") return;
    const { registry, leaseMs, sessions } = this.#settings;
    try {
      const [answer] = await renewLeases(registry, leaseMs, [renewalOf(session.lease)]);
      if (answer?.kind === "held") sessions.close(session, "the provider attached elsewhere");
      else if (answer !== undefined) sessions.leaseLost(session, answer.kind);
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Extends the claims of a provider that renews by itself; those that are not its own any more come back. */
  async renewInHand(lease: Lease, inHand: readonly NamedCall[]): Promise<readonly NamedCall[]> {
    const { calls, node, registry } = this.#settings;
    const { toolset, epoch } = lease;
    const owner = `${lease.provider}/${lease.incarnation}`;
    const claims = inHand.map(({ id, attempt }) => ({ toolset, epoch, id, owner, attempt }));
    const answers = await renewClaims(calls, registry.keyspace.forToolset(toolset), node, claims);
    return inHand.filter((_, index) => answers[index] === "fenced" || answers[index] === "gone");
  }

  async #turn(): Promise<void> {
    const { registry, sessions, heartbeatMs, monotonicMs } = this.#settings;
    const nowMs = monotonicMs();
    const deafMs = nowMs - (this.#turnAtMs ?? nowMs) - 2 * this.#everyMs;
    this.#turnAtMs = nowMs;
    await forEachInSlices(sessions.all(), monotonicMs, (session) => {
      // While this process was busy or stopped, it read nothing: what was sent meanwhile waits behind this turn.
      if (deafMs > 0) session.lastHeardMs += deafMs;
      if (nowMs - session.lastHeardMs > SILENT_HEARTBEATS * heartbeatMs) {
        sessions.close(session, "the provider was silent");
      } else if (session.inHand.size > 0 || nowMs - session.heartbeatAtMs >= heartbeatMs) {
        // Providers with calls in hand are asked at each turn: more is lost with them.
        session.heartbeat();
      }
    });
    const byShard = new Map<ShardKeys, ProviderSession[]>();
    for (const session of sessions.all()) {
      const keys = registry.keyspace.forToolset(session.lease.toolset);
      const own = byShard.get(keys);
      if (own === undefined) byShard.set(keys, [session]);
      else own.push(session);
    }
    await this.#runner.runOnAll(async (keys) => {
      const own = byShard.get(keys) ?? [];
      await this.#renewLeases(own, nowMs);
      await this.#renewClaims(keys, own, nowMs);
    });
  }

  async #renewLeases(sessions: readonly ProviderSession[], nowMs: number): Promise<void> {
    const { registry, leaseMs } = this.#settings;
    const old = sessions.filter((session) => nowMs - session.leasedAtMs >= leaseMs / 3);
    const renewals = old.map(({ lease }) => renewalOf(lease));
    const answers = await renewLeases(registry, leaseMs, renewals);
    for (const [index, session] of old.entries()) {
      const answer = answers[index];
      if (answer?.kind === "held") session.leasedAtMs = nowMs;
      else if (answer !== undefined) this.#settings.sessions.leaseLost(session, answer.kind);
    }
  }

  async #renewClaims(keys: ShardKeys, sessions: readonly ProviderSession[], nowMs: number): Promise<void> {
    const { calls, node } = this.#settings;
    const held = sessions.flatMap((session) =>
      session.inHand
        .values()
        .filter((call) => nowMs - call.claimedAtMs >= this.#everyMs)
        .map((call) => ({ session, call })),
    );
    const claims = held.map(({ session, call }) => ({
      toolset: session.lease.toolset,
      epoch: session.lease.epoch,
      id: call.id,
      owner: session.owner,
      attempt: call.attempt,
    }));
    const answers = await renewClaims(calls, keys, node, claims);
    for (const [index, { session, call }] of held.entries()) {
      if (session.inHand.get(call.id) !== call || call.stage === "settling") continue;
      call.claimedAtMs = nowMs;
      const answer = answers[index];
      if (answer === "CANCELLED" || answer === "DEADLINE_EXCEEDED") session.cancel(call.id, answer);
      if (answer === "gone") this.#settings.sessions.missed(call);
      if (answer === "gone" || answer === "fenced") this.#settings.sessions.fenced(session, call);
    }
  }

  #failed(error: unknown): void {
    this.#settings.faults.warn({ event: "renew_failed", error }, this.#everyMs);
  }
}

/** Extends a lease and changes nothing else about it. */
function renewalOf(lease: Lease) {
  return { lease, room: 0, routing: "keep", session: "" } as const;
}
