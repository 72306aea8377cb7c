import { makeSeal } from "../access/audit/seal.js";
import type { KeyRing } from "../access/secrets/key-ring.js";
import { every, type Repeating } from "../async/every.js";
import type { NodeId } from "../identity/names.js";
import type { Logger } from "../observe/logger.js";
import type { FaultLog } from "../observe/recurring-faults.js";
import type { ShardKeys } from "../redis/keys.js";
import type { RedisClient } from "../redis/redis-client.js";
import { ShardRunner } from "../redis/shard-runner.js";
import { readAudit, readAuditState } from "../store/audit/read-audit.js";
import { takeSealTurn, tendAudit, writeSeal } from "../store/audit/seal-audit.js";

export interface AuditSealerSettings {
  readonly redis: RedisClient;
  readonly shards: readonly ShardKeys[];
  readonly node: NodeId;
  /** Whether anything is recorded, as of now. */
  readonly records: () => boolean;
  readonly keyRing: KeyRing | undefined;
  readonly auditRetentionMs: number;
  /** Of the whole registry. */
  readonly auditMaxBytes: number;
  readonly monotonicMs: () => number;
  readonly random: () => number;
  readonly log: Logger;
  readonly faults: FaultLog;
}

/** How often records are sealed, in milliseconds. */
const INTERVAL_MS = 3_000;
/** How long a node's turn at a shard lasts that has not asked again, in milliseconds. */
const TURN_MS = 12_000;
/** How often what need not be kept goes, in milliseconds. */
const TEND_MS = 60_000;
/** The most entries that one seal covers: each has from one to a hundred records. */
const MOST_ENTRIES = 200;
/** How many days are looked at each time; the others where a turn begins. */
const RECENT_DAYS = 2;

/**
 * Seals the audit and keeps it within its bounds. Each shard has one node at a time that does it, whichever asked first, and another one
 * within seconds when that is gone; two at once do no harm, since a seal is only written behind the one that it follows.
 */
export class AuditSealer {
  readonly #settings: AuditSealerSettings;
  readonly #runner: ShardRunner;
  readonly #loop: Repeating;
  /** Shards that are this node's, and when each is to be tended. */
  readonly #own = new Map<ShardKeys, number>();

  constructor(settings: AuditSealerSettings) {
    const { shards, random, faults, records } = settings;
    this.#settings = settings;
    const onError = (error: unknown): void => faults.warn({ event: "audit_seal_failed", error }, INTERVAL_MS);
    this.#runner = new ShardRunner(shards, onError);
    this.#loop = every(
      // A little chance keeps the nodes apart.
      () => INTERVAL_MS * (0.75 + 0.5 * random()),
      async () => {
        if (records()) void this.#runner.runOnAll((keys) => this.#tend(keys));
      },
      onError,
    );
  }

  start(): void {
    this.#loop.start();
  }

  /** Hands its shards over. */
  async stop(): Promise<void> {
    const { redis, node } = this.#settings;
    await this.#loop.stop();
    await this.#runner.idle();
    const own = [...this.#own.keys()];
    await Promise.all(own.map((keys) => takeSealTurn(redis, keys, node, 0).catch(() => {}))); // its turn ends by itself
  }

  async #tend(keys: ShardKeys): Promise<void> {
    const { redis, node, monotonicMs, shards, auditRetentionMs, auditMaxBytes, log } = this.#settings;
    if (!(await takeSealTurn(redis, keys, node, TURN_MS))) {
      this.#own.delete(keys);
      return;
    }
    const dueMs = this.#own.get(keys);
    await this.#seal(keys, dueMs === undefined ? Number.POSITIVE_INFINITY : RECENT_DAYS);
    if (dueMs !== undefined && monotonicMs() < dueMs) return;
    const entries = await tendAudit(redis, keys, auditRetentionMs, Math.floor(auditMaxBytes / shards.length));
    if (entries > 0) log.warn({ event: "audit_dropped", shard: keys.shard, entries });
    // What is over the bound goes a part at a time.
    this.#own.set(keys, monotonicMs() + (entries > 0 ? 0 : TEND_MS));
  }

  async #seal(keys: ShardKeys, recentDays: number): Promise<void> {
    const { redis, keyRing } = this.#settings;
    const { days, head } = await readAuditState(redis, keys);
    let before = head;
    for (const { day, sealedTo } of days.slice(-recentDays)) {
      for (let after = sealedTo; ; ) {
        const entries = await readAudit(redis, keys, day, after, "+", MOST_ENTRIES);
        if (entries.every(({ kind }) => kind === "seal")) break;
        const seal = makeSeal(keys.prefix, day, before, after, entries, keyRing);
        // Another node was first: what it left is sealed the next time.
        if (!(await writeSeal(redis, keys, seal))) return;
        before = seal.own;
        after = seal.last;
        if (entries.length < MOST_ENTRIES) break;
      }
    }
  }
}
