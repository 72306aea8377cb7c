import type { TimeSlice } from "../async/time-slice.js";
import { fromRedisError } from "../errors/redis-errors.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolsetName } from "../identity/names.js";
import type { CatalogRedis, RawEntry } from "../redis/catalog-redis.js";
import {
  BEFORE_ALL,
  type ChangeEntry,
  type FeedPosition,
  lastPosition,
  positionAt,
  readEntry,
  readFeed,
  START,
  type StreamId,
} from "../store/registry/change-feed.js";
import { NO_HEALTH, readHealth } from "../store/registry/health-entry.js";
import { epochField, type ReadRecord, readField, readRecord } from "../store/registry/stored-record.js";
import type { ContractText } from "./contract-text.js";
import {
  type EpochRecord,
  type EpochView,
  epochView,
  type ToolsetView,
  toolsetView,
  withHealth,
} from "./toolset-view.js";

/*
 * One shard of a node's copy of the catalogue.
 *
 * All reads of a shard are made by one loop, one after the other, so that an older answer never replaces a newer one.
 * The loop serves, in this order:
 *   1. names to be read at once (`refresh`), all in one batch;
 *   2. the `changes` stream, when its channel announced one, and every second in any case, since channels can lose messages;
 *   3. one page of the health sweep, when it is due.
 * A gap in the stream turns the second step into a reload of the whole shard: toolset by toolset, while the copy goes on
 * serving. A failed step is repeated at the next sweep; nothing is marked as read before it is in the copy.
 */

/** How many fields one HSCAN of `toolsets` asks for: contracts may be large, and Redis copies them in one go. */
const CONTRACTS_PER_SCAN = 50;
/** How many changes one step applies. */
const CHANGES_PER_STEP = 256;
/** How many contracts one HMGET asks for. */
const CONTRACTS_PER_READ = 16;
/** How many small fields one HMGET asks for. */
const FIELDS_PER_READ = 500;

export interface ShardKeysOfCatalog {
  readonly toolsets: string;
  readonly health: string;
  readonly changes: string;
  /** The channel that is notified when `changes` has grown. */
  readonly changed: string;
}

/** What a shard reports to the copy that it belongs to. */
export interface ShardListener {
  /** The toolset as it is now; nothing when it is gone. */
  put(name: ToolsetName, view: ToolsetView | undefined): void;
  get(name: ToolsetName): ToolsetView | undefined;
  /** Entries of the stream that the copy now contains, in order. */
  changed(entries: readonly ChangeEntry[]): void;
  /** The whole shard was read anew; these toolsets may differ. */
  reloaded(names: readonly ToolsetName[]): void;
  /** Toolsets that were read ahead of the stream. */
  refreshed(names: readonly ToolsetName[]): void;
  /** What is wrong with a record, by epoch ("" for the record itself); an empty map when all is well. */
  faults(name: string, faults: ReadonlyMap<string, string>): void;
  /** Checks an epoch's contract; says what is wrong when it cannot be taken. */
  contract(name: ToolsetName, epoch: EpochRecord, text: string): ContractText | string;
  /** Redis answered. */
  contact(): void;
  /** A step failed; the loop goes on. */
  failed(error: unknown): void;
}

export interface ShardTimes {
  /** The longest time between two looks at the stream. */
  readonly sweepMs: number;
  /** The time between two passes over the health records. */
  readonly healthMs: number;
}

type State =
  | { readonly kind: "new" }
  | { readonly kind: "running"; readonly loop: Promise<void> }
  | { readonly kind: "stopped" };

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Thrown inside the loop to leave it; never seen outside. */
class Stopped extends Error {}

export class ShardCopy {
  readonly #redis: CatalogRedis;
  readonly #keys: ShardKeysOfCatalog;
  readonly #listener: ShardListener;
  readonly #times: ShardTimes;
  readonly #monotonicMs: () => number;
  readonly #slice: TimeSlice;
  #state: State = { kind: "new" };
  #position: FeedPosition = START;
  readonly #names = new Set<ToolsetName>();
  /** Records with faults, also those whose fields are no toolsets' names. */
  readonly #faulty = new Set<string>();
  #wanted = new Map<ToolsetName, Waiter[]>();
  #catchUps: Waiter[] = [];
  #followDue = true;
  #nextSweepMs = 0;
  #nextHealthMs = 0;
  /** What is left of the health pass that is under way. */
  #healthQueue: ToolsetName[] = [];
  /** Ends the loop's wait. */
  #wake: (() => void) | undefined;
  /** Gives up the answer that the loop waits for. There is at most one: the loop asks one thing at a time. */
  #abortRead: ((reason: Stopped) => void) | undefined;

  constructor(
    redis: CatalogRedis,
    keys: ShardKeysOfCatalog,
    listener: ShardListener,
    times: ShardTimes,
    monotonicMs: () => number,
    slice: TimeSlice,
  ) {
    this.#redis = redis;
    this.#keys = keys;
    this.#listener = listener;
    this.#times = times;
    this.#monotonicMs = monotonicMs;
    this.#slice = slice;
  }

  /** The last change that the copy contains. */
  get position(): StreamId {
    return this.#position.id;
  }

  /** How many toolsets it has. */
  get size(): number {
    return this.#names.size;
  }

  /** Reads the whole shard, then follows it. @throws ToolgateError STORE_UNAVAILABLE when the shard cannot be read. */
  async start(): Promise<void> {
    try {
      await this.#reload();
    } catch (error) {
      throw asRefusal(error);
    }
    if (this.#state.kind !== "new") throw asRefusal(new Stopped());
    this.#nextHealthMs = this.#monotonicMs() + this.#times.healthMs;
    this.#state = { kind: "running", loop: this.#run() };
  }

  /** Ends the loop without waiting for an answer that Redis still owes; waiters are rejected. */
  async stop(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: "stopped" };
    this.#abortRead?.(new Stopped());
    this.#wake?.();
    if (state.kind === "running") await state.loop;
    this.#rejectWaiters(new Stopped());
  }

  /** Reads the stream at once: its channel has announced a change. */
  notify(): void {
    this.#followDue = true;
    this.#wake?.();
  }

  /** Reads one toolset at once; resolves when the copy has it as it was at the time of the call, or newer. */
  refresh(name: ToolsetName): Promise<void> {
    return this.#request((waiter) => {
      const waiters = this.#wanted.get(name);
      if (waiters === undefined) this.#wanted.set(name, [waiter]);
      else waiters.push(waiter);
    });
  }

  /** Resolves when the copy contains every change that was in the stream at the time of the call. */
  catchUp(): Promise<void> {
    return this.#request((waiter) => {
      this.#catchUps.push(waiter);
      this.#followDue = true;
    });
  }

  #request(add: (waiter: Waiter) => void): Promise<void> {
    if (this.#state.kind !== "running") {
      return Promise.reject(new ToolgateError("NODE_DRAINING", "the node's copy of the catalogue is not running"));
    }
    return new Promise((resolve, reject) => {
      add({ resolve, reject });
      this.#wake?.();
    });
  }

  async #run(): Promise<void> {
    while (this.#state.kind !== "stopped") {
      try {
        if (!(await this.#step())) await this.#waitForWork();
      } catch (error) {
        if (error instanceof Stopped) return;
        this.#rejectWaiters(error);
        this.#listener.failed(error);
        this.#postponeSweeps();
        await this.#waitForWork();
      }
    }
  }

  /** After a failure everything waits for the next sweep, unless a caller asks for a name. */
  #postponeSweeps(): void {
    const laterMs = this.#monotonicMs() + this.#times.sweepMs;
    this.#followDue = false;
    this.#nextSweepMs = laterMs;
    this.#nextHealthMs = Math.max(this.#nextHealthMs, laterMs);
    this.#healthQueue = [];
  }

  /** Does the most urgent piece of work; false when there is none. */
  async #step(): Promise<boolean> {
    if (this.#wanted.size > 0) {
      await this.#readWanted();
      return true;
    }
    const now = this.#monotonicMs();
    if (this.#followDue || now >= this.#nextSweepMs) {
      await this.#follow();
      return true;
    }
    if (this.#healthQueue.length === 0 && now >= this.#nextHealthMs) {
      this.#healthQueue = [...this.#names];
      this.#nextHealthMs = now + this.#times.healthMs;
    }
    if (this.#healthQueue.length > 0) {
      await this.#readHealthPage();
      return true;
    }
    return false;
  }

  /** Waits until something is due or the loop is woken. */
  async #waitForWork(): Promise<void> {
    if (this.#wanted.size > 0 || this.#followDue || this.#state.kind === "stopped") return;
    const dueMs = Math.min(this.#nextSweepMs, this.#nextHealthMs);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, dueMs - this.#monotonicMs()));
      this.#wake = done;
    });
  }

  async #readWanted(): Promise<void> {
    const wanted = this.#wanted;
    this.#wanted = new Map();
    const names = [...wanted.keys()];
    try {
      await this.#readToolsets(names);
    } catch (error) {
      for (const waiters of wanted.values()) for (const { reject } of waiters) reject(asRefusal(error));
      throw error;
    }
    this.#listener.refreshed(names);
    for (const waiters of wanted.values()) for (const { resolve } of waiters) resolve();
  }

  async #follow(): Promise<void> {
    this.#followDue = false;
    const catchUps = this.#catchUps;
    this.#catchUps = [];
    try {
      await this.#followOnce();
    } catch (error) {
      for (const { reject } of catchUps) reject(asRefusal(error));
      throw error;
    }
    if (this.#followDue) this.#catchUps.unshift(...catchUps);
    else for (const { resolve } of catchUps) resolve();
  }

  async #followOnce(): Promise<void> {
    const from = this.#position;
    const reading = await this.#ask(readFeed(this.#redis, this.#keys.changes, from, CHANGES_PER_STEP));
    this.#nextSweepMs = this.#monotonicMs() + this.#times.sweepMs;
    if (reading.kind === "gap" || (await this.#isEmptied(from, reading.entries))) return this.#reload();
    const last = reading.entries.at(-1);
    if (last === undefined) return;
    if (reading.more) this.#followDue = true;
    const changes = knownEntries(reading.entries);
    const mentioned = new Set(changes.map(({ toolset }) => toolset));
    const unmentioned = from.id === BEFORE_ALL ? [...this.#names].filter((name) => !mentioned.has(name)) : [];
    await this.#readToolsets([...mentioned, ...unmentioned]);
    this.#position = positionAt(last);
    if (unmentioned.some((name) => !this.#names.has(name))) this.#listener.reloaded([...mentioned, ...unmentioned]);
    else this.#listener.changed(changes);
  }

  /**
   * Before the first entry nothing proves that the stream is still the same one. But a stream that has all its entries
   * mentions every toolset that there is, and one without entries goes with a catalogue that is empty: what the copy
   * knows beyond that is from before a loss.
   */
  async #isEmptied(from: FeedPosition, entries: readonly RawEntry[]): Promise<boolean> {
    if (from.id !== BEFORE_ALL || entries.length > 0 || this.#names.size === 0) return false;
    return (await this.#ask(this.#redis.hlen(this.#keys.toolsets))) === 0;
  }

  /** Reads a few toolsets as they are now. A contract whose text is known is not read again: an epoch never changes. */
  async #readToolsets(names: readonly ToolsetName[]): Promise<void> {
    let again: readonly ToolsetName[] = names;
    // A record and its contracts are read one after the other; an epoch that went in between is no fault, and the
    // second look no longer finds it in the record.
    for (let look = 1; again.length > 0; look++) again = await this.#readToolsetsOnce(again, look >= 3);
  }

  async #readToolsetsOnce(names: readonly ToolsetName[], final: boolean): Promise<ToolsetName[]> {
    if (names.length === 0) return [];
    const records = await this.#readFields(this.#keys.toolsets, names, FIELDS_PER_READ);
    const reads = names.map((name, index) => ({ name, read: readStored(name, records[index]) }));
    const texts = await this.#readContracts(reads);
    const healthFields = reads.flatMap(({ name, read }) =>
      read?.kind === "good" ? read.record.epochs.map(({ epoch }) => epochField(name, epoch)) : [],
    );
    const healths = await this.#readFields(this.#keys.health, healthFields, FIELDS_PER_READ);
    const healthOf = new Map(healthFields.map((field, index) => [field, healths[index] ?? null]));
    const incomplete: ToolsetName[] = [];
    for (const { name, read } of reads) {
      const missing =
        read?.kind === "good" &&
        read.record.epochs.some((epoch) => !texts.has(epochField(name, epoch.epoch)) && !this.#known(name, epoch));
      if (missing && !final) incomplete.push(name);
      else this.#apply(name, read, texts, (field) => healthOf.get(field) ?? null);
      if (this.#slice.over()) await this.#yieldToOthers();
    }
    return incomplete;
  }

  async #readContracts(
    reads: readonly { readonly name: ToolsetName; readonly read: ReadRecord | undefined }[],
  ): Promise<Map<string, string>> {
    const fields = reads.flatMap(({ name, read }) =>
      read?.kind === "good"
        ? read.record.epochs
            .filter((epoch) => this.#known(name, epoch) === undefined)
            .map(({ epoch }) => epochField(name, epoch))
        : [],
    );
    const found = await this.#readFields(this.#keys.toolsets, fields, CONTRACTS_PER_READ);
    const texts = new Map<string, string>();
    for (const [index, field] of fields.entries()) {
      const text = found[index];
      if (typeof text === "string") texts.set(field, text);
    }
    return texts;
  }

  async #readFields(key: string, fields: readonly string[], perRead: number): Promise<(string | null)[]> {
    const values: (string | null)[] = [];
    for (let from = 0; from < fields.length; from += perRead) {
      values.push(...(await this.#ask(this.#redis.hmget(key, ...fields.slice(from, from + perRead)))));
    }
    return values;
  }

  #known(name: ToolsetName, { epoch, digest }: EpochRecord): ContractText | undefined {
    return this.#listener.get(name)?.epochs.find((known) => known.epoch === epoch && known.digest === digest)?.text;
  }

  /** Puts what was read of one toolset into the copy, and names what is wrong with it. */
  #apply(
    name: string,
    read: ReadRecord | undefined,
    texts: ReadonlyMap<string, string>,
    healthOf: (field: string) => string | null,
  ): void {
    const faults = new Map<string, string>();
    if (read === undefined || read.kind === "bad") {
      if (read !== undefined) faults.set("", read.reason);
      this.#noteFaults(name, faults);
      // Only a toolset's name can be in the copy.
      this.#put(name as ToolsetName, undefined);
      return;
    }
    const { record, badEpochs } = read;
    for (const [index, reason] of badEpochs.entries()) faults.set(`#${index + 1}`, reason);
    const epochs: EpochView[] = [];
    for (const epoch of record.epochs) {
      const field = epochField(record.name, epoch.epoch);
      const contract = this.#contract(record.name, epoch, texts.get(field));
      if (typeof contract === "string") faults.set(String(epoch.epoch), contract);
      else epochs.push(epochView(record.name, epoch, contract, readHealth(healthOf(field))));
    }
    this.#noteFaults(record.name, faults);
    this.#put(record.name, toolsetView(record.name, record.owner, epochs));
  }

  #contract(name: ToolsetName, epoch: EpochRecord, text: string | undefined): ContractText | string {
    const known = this.#known(name, epoch);
    if (known !== undefined) return known;
    return text === undefined ? "its contract is missing" : this.#listener.contract(name, epoch, text);
  }

  #noteFaults(name: string, faults: ReadonlyMap<string, string>): void {
    if (faults.size > 0) this.#faulty.add(name);
    else this.#faulty.delete(name);
    this.#listener.faults(name, faults);
  }

  #put(name: ToolsetName, view: ToolsetView | undefined): void {
    if (view === undefined) this.#names.delete(name);
    else this.#names.add(name);
    this.#listener.put(name, view);
  }

  /** Reads everything. The position is taken first, so that changes during the reading are read again afterwards. */
  async #reload(): Promise<void> {
    const position = await this.#ask(lastPosition(this.#redis, this.#keys.changes));
    const records = new Map<string, ReadRecord>();
    const texts = new Map<string, string>();
    await this.#scan(this.#keys.toolsets, CONTRACTS_PER_SCAN, (field, value) => {
      const { kind, name } = readField(field);
      if (kind === "contract") texts.set(field, value);
      else records.set(name, readRecord(field, value));
    });
    const healths = new Map<string, string>();
    await this.#scan(this.#keys.health, FIELDS_PER_READ, (field, value) => healths.set(field, value));

    const before = [...this.#names];
    const incomplete: ToolsetName[] = [];
    for (const [name, read] of records) {
      const missing =
        read.kind === "good" && read.record.epochs.some(({ epoch }) => !texts.has(epochField(name, epoch)));
      if (read.kind === "good" && missing) incomplete.push(read.record.name);
      else this.#apply(name, read, texts, (field) => healths.get(field) ?? null);
      if (this.#slice.over()) await this.#yieldToOthers();
    }
    for (const name of [...before, ...this.#faulty]) {
      if (!records.has(name)) this.#apply(name, undefined, texts, () => null);
    }
    await this.#readToolsets(incomplete);
    this.#position = position;
    this.#followDue = true;
    this.#healthQueue = [];
    this.#listener.reloaded([...new Set([...before, ...this.#names])]);
  }

  async #scan(key: string, count: number, each: (field: string, value: string) => void): Promise<void> {
    let cursor = "0";
    do {
      const [next, items] = await this.#ask(this.#redis.hscan(key, cursor, "COUNT", count));
      cursor = next;
      for (let i = 0; i + 1 < items.length; i += 2) each(items[i] ?? "", items[i + 1] ?? "");
    } while (cursor !== "0");
  }

  async #readHealthPage(): Promise<void> {
    const names = this.#healthQueue.splice(0, FIELDS_PER_READ);
    const fields = names.flatMap((name) =>
      (this.#listener.get(name)?.epochs ?? []).map(({ epoch }) => epochField(name, epoch)),
    );
    const values = await this.#readFields(this.#keys.health, fields, FIELDS_PER_READ);
    const healths = new Map(fields.map((field, index) => [field, values[index]]));
    for (const name of names) {
      const view = this.#listener.get(name);
      if (view === undefined) continue;
      const news = withHealth(view, (epoch) => {
        const field = epochField(name, epoch);
        return healths.has(field) ? readHealth(healths.get(field)) : NO_HEALTH;
      });
      if (news !== view) this.#listener.put(name, news);
    }
  }

  /** Waits for Redis, but not longer than the copy runs. */
  async #ask<T>(answer: Promise<T>): Promise<T> {
    const value = await new Promise<T>((resolve, reject) => {
      this.#abortRead = reject;
      answer.then(resolve, reject);
    });
    this.#abortRead = undefined;
    if (this.#state.kind === "stopped") throw new Stopped();
    this.#listener.contact();
    return value;
  }

  async #yieldToOthers(): Promise<void> {
    await this.#slice.next();
    if (this.#state.kind === "stopped") throw new Stopped();
  }

  #rejectWaiters(error: unknown): void {
    const waiters = [...this.#catchUps, ...[...this.#wanted.values()].flat()];
    this.#catchUps = [];
    this.#wanted = new Map();
    for (const { reject } of waiters) reject(asRefusal(error));
  }
}

function readStored(name: ToolsetName, text: string | null | undefined): ReadRecord | undefined {
  return typeof text === "string" ? readRecord(name, text) : undefined;
}

/** The entries that are ours; others are passed over, for a later version may write more kinds. */
function knownEntries(entries: readonly RawEntry[]): ChangeEntry[] {
  return entries.map(readEntry).filter((entry) => entry !== undefined);
}

function asRefusal(error: unknown): ToolgateError {
  if (error instanceof ToolgateError) return error;
  if (error instanceof Stopped) return new ToolgateError("NODE_DRAINING", "the node is stopping");
  return fromRedisError(error, { executed: "no" });
}
