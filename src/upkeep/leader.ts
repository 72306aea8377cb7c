import type { Redis } from "ioredis";
import Redlock, { type Lock } from "redlock";
import { describeDenial, readDenial } from "../errors/redis-denial.js";
import type { Logger } from "../observe/logger.js";
import type { RedisClient } from "../redis/redis-client.js";
import { mendLock } from "../store/mend-lock.js";

/**
 * Elects one node of the registry through Redlock.
 *
 *   follower ──lock won──▶ leader ──not extended in time, or stopped──▶ follower
 *
 * A leader trusts its lock only until a deadline on its own monotonic clock, which starts before the lock was asked for
 * and is shorter than the lock's time to live: a step of the wall clock or a pause of the process cannot prolong it. The
 * lock is an optimisation: whatever the leader does is harmless when two nodes do it (slot keys, idempotent tasks).
 */
export type LeaderState =
  | { readonly kind: "follower" }
  | { readonly kind: "leader"; readonly lock: Lock; readonly untilMs: number }
  | { readonly kind: "stopped" };

export interface LeaderSettings {
  /** Fail-fast clients of their own, one per independent Redis. */
  readonly clients: readonly RedisClient[];
  readonly key: string;
  readonly ttlMs: number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly log: Logger;
  /** Told when this node begins to lead. */
  readonly onElected: () => void;
}

export class Leader {
  readonly #settings: LeaderSettings;
  readonly #redlock: Redlock;
  #denialReported = false;
  #state: LeaderState = { kind: "follower" };
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();

  constructor(settings: LeaderSettings) {
    this.#settings = settings;
    // Redlock runs two commands, evalsha and eval, and asks no more of a client.
    // Our own loop retries, and our own deadline decides: Redlock tries once.
    this.#redlock = new Redlock(settings.clients as readonly Redis[], { retryCount: 0, driftFactor: 0.01 });
    // Each failed vote is reported here as well as in the attempt's own result. Most only say that another node leads.
    this.#redlock.on("error", (error: Error) => this.#noteDenial(error));
  }

  /** Whether this node may act as the leader now. */
  get leads(): boolean {
    return this.#state.kind === "leader" && this.#settings.monotonicMs() < this.#state.untilMs;
  }

  start(): void {
    this.#schedule(0);
  }

  /** Hands the lock over at once; resolves when it is gone, or could not be reached. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#state.kind === "stopped") return;
    await this.#turn;
    clearTimeout(this.#timer);
    const state = this.#state;
    this.#state = { kind: "stopped" };
    if (state.kind === "leader") {
      await state.lock.release().catch(() => {}); // lost meanwhile, or Redis is away: it ends by itself
      this.#settings.log.info({ event: "leader_resigned" });
    }
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#turn = this.#advance();
    }, delayMs);
    this.#timer.unref();
  }

  async #advance(): Promise<void> {
    const { ttlMs, random } = this.#settings;
    const state = this.#state;
    switch (state.kind) {
      case "stopped":
        return;
      case "follower":
        await this.#campaign();
        break;
      case "leader":
        await this.#extend(state.lock, state.untilMs);
        break;
      default:
        state satisfies never;
    }
    // A third of the time to live leaves two more tries; a little chance keeps the nodes apart.
    this.#schedule((ttlMs / 3) * (0.9 + 0.2 * random()));
  }

  async #campaign(): Promise<void> {
    const askedMs = this.#settings.monotonicMs();
    const lock = await this.#redlock.acquire([this.#settings.key], this.#settings.ttlMs).catch(() => undefined);
    if (lock === undefined) return await this.#repairLocks();
    this.#state = { kind: "leader", lock, untilMs: this.#trustUntil(askedMs) };
    this.#denialReported = false;
    this.#settings.log.info({ event: "leader_elected" });
    this.#settings.onElected();
  }

  async #extend(lock: Lock, untilMs: number): Promise<void> {
    const askedMs = this.#settings.monotonicMs();
    const extended = await lock.extend(this.#settings.ttlMs).catch(() => undefined);
    if (extended !== undefined) {
      this.#state = { kind: "leader", lock: extended, untilMs: this.#trustUntil(askedMs) };
    } else if (this.#settings.monotonicMs() >= untilMs) {
      this.#state = { kind: "follower" };
      this.#settings.log.warn({ event: "leader_lost" });
    }
  }

  /** Where another node leads, this finds nothing; where no node can, the next try may succeed. */
  async #repairLocks(): Promise<void> {
    const { clients, key } = this.#settings;
    await Promise.all(clients.map((client) => mendLock(client, key).catch(() => {}))); // away, or not allowed: as before
  }

  /** A node whose user may not take the lock is never elected, which nothing else would tell. */
  #noteDenial({ message }: Error): void {
    const denial = readDenial(message);
    if (denial === undefined || this.#denialReported) return;
    this.#denialReported = true;
    this.#settings.log.warn({ event: "leader_lock_denied", message: describeDenial(denial) });
  }

  #trustUntil(askedMs: number): number {
    return askedMs + this.#settings.ttlMs * 0.9;
  }
}
