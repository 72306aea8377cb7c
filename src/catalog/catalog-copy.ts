import { LRUCache } from "lru-cache";
import { TimeSlice } from "../async/time-slice.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { type Digest, type Epoch, parseEpoch, type ToolsetName } from "../identity/names.js";
import { nearNames } from "../identity/near-names.js";
import type { Logger } from "../observe/logger.js";
import type { CatalogRedis } from "../redis/catalog-redis.js";
import type { ChangeEntry, FeedReading, StreamId } from "../store/registry/change-feed.js";
import { BEFORE_ALL, compareIds, readEntry, readFeed } from "../store/registry/change-feed.js";
import { ContractText, createContractCache } from "./contract-text.js";
import { formatRevision, type Positions } from "./revision.js";
import { ShardCopy, type ShardKeysOfCatalog } from "./shard-copy.js";
import { type EpochRecord, type ToolsetView, toolsetView } from "./toolset-view.js";

/** The longest time between two looks at the changes, in milliseconds. */
const SWEEP_MS = 1_000;
/** Sweeps without an answer after which the copy is stale. */
const SWEEPS_UNTIL_STALE = 3;
/** Bounds of the time between two passes over the health records, in milliseconds. */
const MIN_HEALTH_MS = 100;
const MAX_HEALTH_MS = 5_000;
/** The most names that are inserted into the sorted list; beyond, sorting anew is cheaper. */
const MAX_INSERTIONS = 100;
/** How many contracts that cannot be read are remembered, so that they are not tried again. */
const MAX_UNREADABLE = 1_000;

/** Listens to channels; `Subscriber` in src/redis is one. */
export interface ChannelSubscriber {
  /** Resolves when Redis has confirmed it, or at once while Redis is away. The result stops listening. */
  subscribe(channel: string, listener: () => void): Promise<() => void>;
  /** Calls the listener whenever messages may have been lost. The result stops that. */
  onGap(listener: () => void): () => void;
}

/** What became of the copy; every view is in place before listeners hear of it. */
export type CatalogEvent =
  /** Changes of one shard, in order. */
  | { readonly kind: "changed"; readonly shard: number; readonly entries: readonly ChangeEntry[] }
  /** A shard was read anew after a gap: what happened in between is unknown, and these toolsets may differ. */
  | { readonly kind: "reloaded"; readonly shard: number; readonly names: readonly ToolsetName[] }
  /** Toolsets were read ahead of the stream, which announces them later. */
  | { readonly kind: "refreshed"; readonly names: readonly ToolsetName[] }
  /** A toolset's record or contract turned out to be unreadable; nothing in the stream announces it. */
  | { readonly kind: "quarantined"; readonly names: readonly ToolsetName[] };

/** A record that is kept out of the catalogue, and why. */
export interface QuarantinedRecord {
  readonly toolset: string;
  /** The epoch's number, when only that epoch is bad. */
  readonly epoch: string | undefined;
  readonly reason: string;
}

export interface CatalogCopyOptions {
  /** A client for commands that fails fast; never blocked. */
  readonly redis: CatalogRedis;
  readonly subscriber: ChannelSubscriber;
  /** The keys of each shard, in order. */
  readonly shards: readonly ShardKeysOfCatalog[];
  /** The shard, by index, in which a toolset lives. */
  readonly shardOf: (name: ToolsetName) => number;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** A local clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** The time between two pings. */
  readonly pingIntervalMs: number;
  /** How many parsed contracts are kept. */
  readonly maxCachedContracts: number;
  /** The longest time between two looks at the changes; 1 s unless said. */
  readonly sweepMs?: number;
}

/** Why a toolset cannot be read. */
export interface Damage {
  /** Never what the record holds. */
  readonly reason: string;
  /** Its active epoch, when that much is known. */
  readonly epoch: Epoch | undefined;
}

/** What answers need of the copy. */
export interface CatalogReader {
  get(name: string): ToolsetView | undefined;
  /** All toolsets, sorted by name; the same array as long as none of them has changed. */
  all(): readonly ToolsetView[];
  /** Toolsets in order of their names: those after a name. */
  after(name: string): Iterable<ToolsetView>;
  readonly size: number;
  /** Whether there are toolsets of tenants other than the default one; damaged ones count. */
  readonly hasTenants: boolean;
  revision(): string;
  /** Grows with every change of what the copy shows. */
  readonly version: number;
  readonly stale: boolean;
  nearNames(name: string): string[];
  /** Why a toolset that Redis has a record of cannot be called; nothing when it can be, or when there is no record. */
  damageOf(name: string): Damage | undefined;
  /** The names of all such, sorted; some may be none that a toolset can have. */
  damaged(): readonly string[];
}

/**
 * A node's own copy of the catalogue, from which it answers everything about toolsets.
 *
 * It is read whole at the start and then follows the `changes` streams, woken by their channels. While Redis is away
 * it says what it knew last, and that it is stale; it recovers by itself. One bad record is named, kept out, and
 * changes nothing else.
 */
export class CatalogCopy implements CatalogReader {
  readonly #options: CatalogCopyOptions;
  readonly #sweepMs: number;
  readonly #shards: readonly ShardCopy[];
  readonly #views = new Map<string, ToolsetView>();
  readonly #quarantine = new Map<string, ReadonlyMap<string, string>>();
  readonly #unreadable = new LRUCache<Digest, string>({ max: MAX_UNREADABLE });
  readonly #contracts;
  readonly #listeners = new Set<(event: CatalogEvent) => void>();
  readonly #lastContactMs: number[];
  readonly #failing: boolean[];
  #unsubscribes: (() => void)[] = [];
  /** Names in order, as of the last request for them; never changed, but replaced. */
  #names: readonly string[] = [];
  /** All views in that order; undefined once one of them has changed. */
  #all: readonly ToolsetView[] | undefined;
  #version = 0;
  /** How many toolsets belong to other tenants than the default one. */
  #ofTenants = 0;
  /** Names that came or went since. */
  readonly #renamed = new Set<string>();
  #started = false;
  #stopped: Promise<void> | undefined;

  constructor(options: CatalogCopyOptions) {
    this.#options = options;
    this.#sweepMs = options.sweepMs ?? SWEEP_MS;
    this.#contracts = createContractCache(options.maxCachedContracts);
    this.#lastContactMs = options.shards.map(() => Number.NEGATIVE_INFINITY);
    this.#failing = options.shards.map(() => false);
    const slice = new TimeSlice(options.monotonicMs);
    const times = {
      sweepMs: this.#sweepMs,
      healthMs: Math.min(MAX_HEALTH_MS, Math.max(MIN_HEALTH_MS, options.pingIntervalMs / 2)),
    };
    this.#shards = options.shards.map(
      (keys, shard) => new ShardCopy(options.redis, keys, this.#listenerOf(shard), times, options.monotonicMs, slice),
    );
  }

  /**
   * Reads the catalogue, then follows it. A copy that could not be started is stopped.
   *
   * @throws ToolgateError STORE_UNAVAILABLE when it cannot be read.
   */
  async start(): Promise<void> {
    try {
      await Promise.all(this.#shards.map((shard) => shard.start()));
      await this.#listen();
    } catch (error) {
      await this.stop();
      throw error;
    }
    // What was announced before the channels were open.
    this.#notifyAll();
    this.#started = true;
    this.#options.log.info({ event: "catalog_loaded", toolsets: this.#views.size, quarantined: this.#quarantine.size });
  }

  async #listen(): Promise<void> {
    const { subscriber, shards } = this.#options;
    this.#unsubscribes.push(subscriber.onGap(() => this.#notifyAll()));
    for (const [index, { changed }] of shards.entries()) {
      const unsubscribe = await subscriber.subscribe(changed, () => this.#shards[index]?.notify());
      this.#unsubscribes.push(unsubscribe);
      if (this.#stopped === undefined) continue;
      unsubscribe();
      throw new ToolgateError("NODE_DRAINING", "the node is stopping");
    }
  }

  /** Stops following. What is known stays readable, as stale. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    this.#unsubscribes = [];
    await Promise.all(this.#shards.map((shard) => shard.stop()));
    this.#listeners.clear();
  }

  get(name: string): ToolsetView | undefined {
    return this.#views.get(name);
  }

  all(): readonly ToolsetView[] {
    this.#all ??= [...this.#viewsOf(this.#sortedNames(), 0)];
    return this.#all;
  }

  after(name: string): Iterable<ToolsetView> {
    const names = this.#sortedNames();
    return this.#viewsOf(names, firstAfter(names, name));
  }

  get size(): number {
    return this.#views.size;
  }

  get hasTenants(): boolean {
    return this.#ofTenants > 0 || [...this.#quarantine.keys()].some(isOfTenant);
  }

  /** How many toolsets are in other shards than the one of this name. */
  sizeOfOthers(name: ToolsetName): number {
    const own = this.#options.shardOf(name);
    return this.#shards.reduce((sum, { size }, shard) => (shard === own ? sum : sum + size), 0);
  }

  get version(): number {
    return this.#version;
  }

  /** What the copy stands at; opaque, and understood by every node. */
  revision(): string {
    return formatRevision(this.positions());
  }

  /** The parts of the revision. */
  positions(): Positions {
    return this.#shards.map(({ position }) => position);
  }

  /** Whether Redis is away, or has not answered for three sweeps: then the copy says what it knew last. */
  get stale(): boolean {
    if (!this.#started || this.#stopped !== undefined || this.#options.redis.status !== "ready") return true;
    const oldestMs = Math.min(...this.#lastContactMs);
    return this.#options.monotonicMs() - oldestMs > SWEEPS_UNTIL_STALE * this.#sweepMs;
  }

  nearNames(name: string): string[] {
    return nearNames(name, this.#views.keys());
  }

  damageOf(name: string): Damage | undefined {
    const faults = this.#quarantine.get(name);
    // One that is called by its active contract is well enough, whatever became of its others.
    if (faults === undefined || this.#views.get(name)?.active !== undefined) return undefined;
    for (const [epoch, reason] of faults) {
      return { reason, epoch: /^[0-9]+$/.test(epoch) ? parseEpoch(Number(epoch), "epoch") : undefined };
    }
    return undefined;
  }

  damaged(): readonly string[] {
    return [...this.#quarantine.keys()].filter((name) => this.damageOf(name) !== undefined).sort();
  }

  /** Records that are kept out of the catalogue, by name. */
  quarantined(): QuarantinedRecord[] {
    const records: QuarantinedRecord[] = [];
    for (const [toolset, faults] of this.#quarantine) {
      for (const [epoch, reason] of faults) records.push({ toolset, epoch: epoch === "" ? undefined : epoch, reason });
    }
    return records.sort((a, b) => (a.toolset < b.toolset ? -1 : a.toolset > b.toolset ? 1 : 0));
  }

  /**
   * Reads one toolset at once, so that a caller sees what it wrote through this node.
   *
   * @throws ToolgateError STORE_UNAVAILABLE when Redis does not answer; NODE_DRAINING when the node is stopping.
   */
  async refresh(name: ToolsetName): Promise<void> {
    await this.#shards[this.#options.shardOf(name)]?.refresh(name);
  }

  /** Resolves when the copy contains every change that was made before the call. @throws as `refresh`. */
  async catchUp(): Promise<void> {
    await Promise.all(this.#shards.map((shard) => shard.catchUp()));
  }

  /** Tells of everything that happens to the copy. The result stops that. */
  onChange(listener: (event: CatalogEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Reads the changes of one shard after one position up to another, oldest first.
   *
   * @returns undefined when they are not known any more, or are more than `limit`.
   */
  async changesBetween(
    shard: number,
    from: StreamId,
    to: StreamId,
    limit: number,
  ): Promise<readonly ChangeEntry[] | undefined> {
    const keys = this.#options.shards[shard];
    if (keys === undefined) return undefined;
    if (from === to) return [];
    // Nothing proves that a stream which was empty then is the one that has entries now.
    if (from === BEFORE_ALL) return undefined;
    const reading: FeedReading = await readFeed(this.#options.redis, keys.changes, { id: from }, limit);
    if (reading.kind === "gap") return undefined;
    const last = reading.entries.at(-1);
    // A full page that does not reach the end leaves some untold.
    if (reading.more && (last === undefined || compareIds(last[0], to) < 0)) return undefined;
    return reading.entries
      .filter(([id]) => compareIds(id, to) <= 0)
      .map(readEntry)
      .filter((entry) => entry !== undefined);
  }

  *#viewsOf(names: readonly string[], from: number): Iterable<ToolsetView> {
    for (let index = from; index < names.length; index++) {
      const view = this.#views.get(names[index] ?? "");
      if (view !== undefined) yield view;
    }
  }

  #sortedNames(): readonly string[] {
    if (this.#renamed.size === 0) return this.#names;
    if (this.#renamed.size > MAX_INSERTIONS) {
      this.#names = [...this.#views.keys()].sort();
    } else {
      const names = this.#names.filter((name) => !this.#renamed.has(name));
      for (const name of this.#renamed) if (this.#views.has(name)) names.splice(firstAfter(names, name), 0, name);
      this.#names = names;
    }
    this.#renamed.clear();
    return this.#names;
  }

  #notifyAll(): void {
    for (const shard of this.#shards) shard.notify();
  }

  #listenerOf(shard: number): ConstructorParameters<typeof ShardCopy>[2] {
    return {
      get: (name) => this.#views.get(name),
      put: (name, view) => {
        const vanishes = view === undefined && this.#quarantine.has(name) && this.#views.has(name);
        this.#put(name, view);
        if (vanishes) this.#emit({ kind: "quarantined", names: [name] });
      },
      contract: (name, epoch, text) => this.#contract(name, epoch, text),
      faults: (name, faults) => this.#noteFaults(name, faults),
      changed: (entries) => this.#emit({ kind: "changed", shard, entries }),
      reloaded: (names) => {
        if (this.#started) this.#options.log.warn({ event: "catalog_reloaded", shard, toolsets: names.length });
        this.#emit({ kind: "reloaded", shard, names });
      },
      refreshed: (names) => this.#emit({ kind: "refreshed", names }),
      contact: () => {
        this.#lastContactMs[shard] = this.#options.monotonicMs();
        if (this.#failing[shard]) this.#options.log.info({ event: "catalog_followed_again", shard });
        this.#failing[shard] = false;
      },
      failed: (error) => {
        // One line per outage: the loop tries again each second.
        if (!this.#failing[shard]) {
          const message = error instanceof Error ? error.message : String(error);
          this.#options.log.warn({ event: "catalog_not_followed", shard, message });
        }
        this.#failing[shard] = true;
      },
    };
  }

  #put(name: string, view: ToolsetView | undefined): void {
    this.#all = undefined;
    this.#version++;
    if (view === undefined) {
      if (!this.#views.delete(name)) return;
      this.#renamed.add(name);
      if (isOfTenant(name)) this.#ofTenants--;
      return;
    }
    if (!this.#views.has(name)) {
      this.#renamed.add(name);
      if (isOfTenant(name)) this.#ofTenants++;
    }
    this.#views.set(name, view);
  }

  #contract(name: ToolsetName, epoch: EpochRecord, text: string): ContractText | string {
    const unreadable = this.#unreadable.get(epoch.digest);
    if (unreadable !== undefined) return unreadable;
    const onUnreadable = (reason: string) => this.#quarantineRecord(name, epoch, reason);
    const contract = ContractText.check(name, epoch.digest, text, this.#contracts, onUnreadable);
    return contract ?? "its contract does not have the digest that its record names";
  }

  /** Takes out an epoch whose contract turned out to be unreadable; the toolset stays while it has others. */
  #quarantineRecord(name: ToolsetName, { epoch, digest }: EpochRecord, reason: string): void {
    this.#unreadable.set(digest, reason);
    const view = this.#views.get(name);
    if (view === undefined || !view.epochs.some((known) => known.epoch === epoch)) return;
    this.#noteFaults(name, new Map([...(this.#quarantine.get(name) ?? []), [String(epoch), reason]]));
    const rest = view.epochs.filter((known) => known.epoch !== epoch);
    this.#put(name, toolsetView(name, view.owner, rest));
    this.#emit({ kind: "quarantined", names: [name] });
  }

  #noteFaults(toolset: string, faults: ReadonlyMap<string, string>): void {
    const known = this.#quarantine.get(toolset);
    for (const [epoch, reason] of faults) {
      if (known?.get(epoch) === reason) continue;
      this.#options.log.warn({
        event: "catalog_record_quarantined",
        toolset,
        ...(epoch === "" ? {} : { epoch }),
        reason,
      });
    }
    if (faults.size > 0) this.#quarantine.set(toolset, faults);
    else this.#quarantine.delete(toolset);
  }

  #emit(event: CatalogEvent): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // A fault of one part of the node must not keep the others from hearing.
        this.#options.log.error({ event: "catalog_listener_failed", error });
      }
    }
  }
}

/** Index of the first name that sorts after another. */
function firstAfter(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((names[middle] ?? "") <= name) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The default tenant's toolsets have plain names. */
function isOfTenant(name: string): boolean {
  return name.includes("/");
}
