import { every, type Repeating } from "../async/every.js";
import { TimeSlice } from "../async/time-slice.js";
import { fromRedisError } from "../errors/redis-errors.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { TenantName } from "../identity/tenant.js";
import type { Logger } from "../observe/logger.js";
import type { Keyspace } from "../redis/keys.js";
import type { RedisClient } from "../redis/redis-client.js";
import {
  type DocumentPosition,
  lastDocumentPosition,
  readDocumentChanges,
  readEntries,
  readRegistryRevision,
  START,
  scanEntries,
} from "../store/documents/document-feed.js";
import { type DocumentPath, documentPath, readDocumentPath } from "../store/documents/document-ref.js";
import type { DocumentKind, DocumentRef, DocumentsReader, StoredDocument } from "./document.js";
import type { DocumentKinds } from "./document-kinds.js";
import { type HeldDocument, readHeld } from "./held-document.js";

/*
 * A node's copy of the documents, and how it follows them.
 *
 * A look reads the stream of changes from where the copy stands, then the documents that it names. Looks are made one after the other, when
 * the channel announces a change and every 400 ms in any case, since channels can lose messages. What one revision has changed becomes
 * visible at once: documents are read until none of them is newer than the changes that were read, and are put into the copy in one go.
 *
 * Where the stream has a gap, or the registry has another revision than it tells of, everything is read anew, while the copy goes on serving
 * what it knows. What is gone then is gone from the copy too: what Redis does not have, no restarted node would have either. A look that fails changes nothing.
 */

/** The longest time between two looks, in milliseconds: with reading it keeps a change within a second on every node. */
const LOOK_MS = 400;
/** How often one look reads on because documents are newer than the changes that were read. */
const MAX_ROUNDS = 20;
/** How many documents that cannot be read are remembered, so that each is logged once. */
const MAX_LOGGED = 10_000;

/** Listens to channels; `Subscriber` in src/redis is one. */
export interface DocumentSubscriber {
  subscribe(channel: string, listener: () => void): Promise<() => void>;
  onGap(listener: () => void): () => void;
}

export interface DocumentsCopyOptions {
  /** A client for commands that fails fast; never blocked. */
  readonly redis: RedisClient;
  readonly subscriber: DocumentSubscriber;
  readonly keyspace: Pick<Keyspace, "documents">;
  readonly kinds: DocumentKinds;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  /** A local clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** The longest time between two looks; 400 ms unless said. */
  readonly lookMs?: number;
}

/** What a look has found; undefined stands for what is gone. */
type Found = Map<DocumentPath, HeldDocument | undefined>;

/** A document that is another than the copy has; undefined stands for what is gone. */
interface Differing {
  readonly path: DocumentPath;
  readonly ref: DocumentRef;
  readonly held: HeldDocument | undefined;
}

/** Thrown to leave a look when the copy stops; never seen outside. */
class Stopped extends Error {}

/** A node's copy of all documents: read whole at the start, then followed. While Redis is away it serves what it knew last. */
export class DocumentsCopy implements DocumentsReader {
  readonly #options: DocumentsCopyOptions;
  readonly #slice: TimeSlice;
  readonly #looks: Repeating;
  #held = new Map<DocumentPath, HeldDocument>();
  #byKind = new Map<string, Map<DocumentPath, StoredDocument>>();
  /** The paths of each tenant in order, made when they are asked for. */
  readonly #order = new Map<TenantName, readonly DocumentPath[]>();
  readonly #listeners = new Set<(changed: readonly DocumentRef[]) => void>();
  /** What is logged of documents that cannot be read, by path. */
  readonly #logged = new Map<DocumentPath, string>();
  #position: DocumentPosition = START;
  #revision = 0;
  #highestRevision = 0;
  #unsubscribes: (() => void)[] = [];
  /** The look that is under way, and the one after it. */
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #state: "new" | "following" | "stopped" = "new";
  #failing = false;
  /** Gives up the answer that is waited for. There is at most one: looks ask one thing at a time. */
  #abandon: ((reason: Stopped) => void) | undefined;

  constructor(options: DocumentsCopyOptions) {
    this.#options = options;
    this.#slice = new TimeSlice(options.monotonicMs);
    this.#looks = every(
      () => options.lookMs ?? LOOK_MS,
      () => this.#lookAndReport(),
      () => {},
    );
  }

  get revision(): number {
    return this.#revision;
  }

  /** The highest revision that the copy ever knew: no later one is lower, also where Redis has lost everything since. */
  get highestRevision(): number {
    return this.#highestRevision;
  }

  /**
   * Reads all documents, then follows them. A copy that could not be started is stopped.
   *
   * @throws ToolgateError STORE_UNAVAILABLE when they cannot be read
   */
  async start(): Promise<void> {
    const { subscriber, keyspace, log } = this.#options;
    try {
      const look = () => void this.#lookAndReport();
      this.#unsubscribes.push(subscriber.onGap(look));
      this.#unsubscribes.push(await subscriber.subscribe(keyspace.documents.changed, look));
      await this.#reload();
      if (this.#state !== "new") throw new Stopped();
    } catch (error) {
      await this.stop();
      throw asRefusal(error);
    }
    this.#state = "following";
    this.#looks.start();
    log.info({ event: "documents_loaded", documents: this.#held.size, revision: this.#revision });
    void this.#lookAndReport(); // for what was announced meanwhile
  }

  /** Stops following, without waiting for an answer that Redis still owes. What is known stays readable. Idempotent. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    for (const unsubscribe of this.#unsubscribes.splice(0)) unsubscribe();
    this.#abandon?.(new Stopped());
    await this.#looks.stop();
    await Promise.allSettled([this.#running, this.#next]);
    this.#listeners.clear();
  }

  get<Spec>(kind: DocumentKind<Spec>, tenant: TenantName, name: string): StoredDocument<Spec> | undefined {
    const found = this.#byKind.get(kind.kind)?.get(documentPath({ tenant, kind: kind.kind, name }));
    return found as StoredDocument<Spec> | undefined; // parsed by the kind of this name, of which a node has one
  }

  all<Spec>(kind: DocumentKind<Spec>): Iterable<StoredDocument<Spec>> {
    const found = this.#byKind.get(kind.kind)?.values() ?? [];
    return found as Iterable<StoredDocument<Spec>>; // as above
  }

  isUnreadable({ kind }: DocumentKind<unknown>, tenant: TenantName, name: string): boolean {
    return this.#held.get(documentPath({ tenant, kind, name }))?.reading.kind === "unreadable";
  }

  onChange(listener: (changed: readonly DocumentRef[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A document, whatever its kind and however damaged its content. */
  held(ref: DocumentRef): HeldDocument | undefined {
    return this.#held.get(documentPath(ref));
  }

  /** The documents of a kind that are there and cannot be read; see `isUnreadable`. */
  *unreadable(kind: string): Iterable<DocumentRef> {
    for (const { document, reading } of this.#held.values()) {
      if (document.ref.kind === kind && reading.kind === "unreadable") yield document.ref;
    }
  }

  /** All documents of a tenant in the order of their paths: those after one, or from the first for the empty path. */
  *after(tenant: TenantName, path: DocumentPath): Iterable<HeldDocument> {
    const order = this.#orderOf(tenant);
    let low = 0;
    for (let high = order.length; low < high; ) {
      const middle = (low + high) >>> 1;
      if ((order[middle] ?? "") <= path) low = middle + 1;
      else high = middle;
    }
    for (let at = low; at < order.length; at++) {
      const held = this.#held.get(order[at] ?? "");
      if (held !== undefined) yield held;
    }
  }

  /**
   * Resolves when the copy has every change that was made before the call.
   *
   * @throws ToolgateError STORE_UNAVAILABLE when Redis does not answer; NODE_DRAINING when the node is stopping
   */
  async catchUp(): Promise<void> {
    try {
      await this.#look();
    } catch (error) {
      throw asRefusal(error);
    }
  }

  #orderOf(tenant: TenantName): readonly DocumentPath[] {
    const known = this.#order.get(tenant);
    if (known !== undefined) return known;
    const prefix = `${tenant}/`;
    const order = [...this.#held.keys()].filter((path) => path.startsWith(prefix)).sort();
    this.#order.set(tenant, order);
    return order;
  }

  /** Looks once more, after the look that is under way. All that ask meanwhile share that one. */
  #look(): Promise<void> {
    if (this.#state === "stopped") return Promise.reject(new Stopped());
    if (this.#running !== undefined) {
      this.#next ??= this.#running
        .catch(() => {}) // its own callers hear of it
        .then(() => {
          this.#next = undefined;
          return this.#look();
        });
      return this.#next;
    }
    const running = this.#follow().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #lookAndReport(): Promise<void> {
    if (this.#state !== "following") return;
    const { log } = this.#options;
    try {
      await this.#look();
      if (this.#failing) log.info({ event: "documents_followed_again", revision: this.#revision });
      this.#failing = false;
    } catch (error) {
      if (error instanceof Stopped) return;
      // One line for an outage: the next look tries again.
      if (!this.#failing) log.warn({ event: "documents_not_followed", error });
      this.#failing = true;
    }
  }

  async #follow(): Promise<void> {
    const { redis, keyspace } = this.#options;
    const keys = keyspace.documents;
    // A stream may stand though the documents are gone, and be emptied though they are not; it says nothing of either.
    const stored = await this.#answer(readRegistryRevision(redis, keys));
    if (stored < this.#revision) return this.#reload();
    const changes = await this.#gather(this.#position, this.#revision, new Map(), 0);
    if (changes === undefined || changes.revision < stored) return this.#reload();
    const differing = await this.#differing(changes.found);
    this.#publish(changes.position, changes.revision, differing);
  }

  /**
   * Reads all that has changed since a position, until what was read is whole.
   *
   * @param found what is known to have changed already; it is added to
   * @param newest the highest revision in it
   * @returns undefined where there is a gap
   */
  async #gather(
    from: DocumentPosition,
    known: number,
    found: Found,
    newest: number,
  ): Promise<{ readonly position: DocumentPosition; readonly revision: number; readonly found: Found } | undefined> {
    const { redis, keyspace } = this.#options;
    let position = from;
    let revision = known;
    for (let round = 0; ; round++) {
      const changes = await this.#answer(readDocumentChanges(redis, keyspace.documents, position));
      if (changes.kind === "gap") return undefined;
      position = changes.position;
      revision = Math.max(revision, changes.revision);
      for await (const [path, entry] of this.#answers(readEntries(redis, keyspace.documents, changes.paths))) {
        const held = entry === null ? undefined : this.#read(path, entry);
        found.set(path, held);
        newest = Math.max(newest, held?.document.revision ?? 0);
      }
      if (!changes.more && (newest <= revision || round >= MAX_ROUNDS)) return { position, revision, found };
    }
  }

  /** Reads everything anew, and puts it in the place of what was known. */
  async #reload(): Promise<void> {
    const { redis, keyspace, log } = this.#options;
    const keys = keyspace.documents;
    // In this order: what is written meanwhile comes after the position.
    const stored = await this.#answer(readRegistryRevision(redis, keys));
    const from = await this.#answer(lastDocumentPosition(redis, keys));
    const scanned: Found = new Map();
    let newest = 0;
    for await (const [path, entry] of this.#answers(scanEntries(redis, keys))) {
      const held = this.#read(path, entry);
      scanned.set(path, held);
      newest = Math.max(newest, held?.document.revision ?? 0);
    }
    const changes = await this.#gather(from, stored, scanned, newest);
    if (changes === undefined)
      throw new ToolgateError("STORE_UNAVAILABLE", "the documents change faster than they can be read");
    const { found, position, revision } = changes;
    const documents = found.size;
    // What was not found is gone.
    for (const path of this.#held.keys()) {
      if (!found.has(path)) found.set(path, undefined);
      if (this.#slice.over()) await this.#slice.next();
    }
    const differing = await this.#differing(found);
    if (this.#state === "following") this.#reportReload(documents, revision, differing);
    else if (revision === 0 && documents > 0) log.warn({ event: "documents_revision_missing", documents });
    this.#publish(position, revision, differing);
  }

  #reportReload(documents: number, revision: number, differing: readonly Differing[]): void {
    const { log } = this.#options;
    const fields = { revision, knownRevision: this.#revision, documents };
    const lost = differing.filter(({ held }) => held === undefined).length;
    if (revision < this.#revision) log.error({ event: "documents_lost", ...fields, lost });
    else log.warn({ event: "documents_reloaded", ...fields });
  }

  /** What of that is another than the copy has. Nothing else changes the copy meanwhile, for looks are made one after the other. */
  async #differing(found: Found): Promise<readonly Differing[]> {
    const differing: Differing[] = [];
    for (const [path, held] of found) {
      if (this.#slice.over()) await this.#slice.next();
      const known = this.#held.get(path);
      const ref = (held ?? known)?.document.ref;
      if (ref !== undefined && !isSame(known, held)) differing.push({ path, ref, held });
    }
    if (this.#state === "stopped") throw new Stopped();
    return differing;
  }

  /** Puts what differs into the copy, in one go, and tells of it. */
  #publish(position: DocumentPosition, revision: number, differing: readonly Differing[]): void {
    this.#position = position;
    this.#revision = revision;
    this.#highestRevision = Math.max(this.#highestRevision, revision);
    for (const { path, ref, held } of differing) this.#put(path, ref, held);
    if (differing.length === 0) return;
    const changed = differing.map(({ ref }) => ref);
    for (const listener of this.#listeners) {
      try {
        listener(changed);
      } catch (error) {
        // A fault of one part of the node must not keep the others from hearing.
        this.#options.log.error({ event: "documents_listener_failed", error });
      }
    }
  }

  #put(path: DocumentPath, ref: DocumentRef, held: HeldDocument | undefined): void {
    if (held === undefined) this.#held.delete(path);
    else this.#held.set(path, held);
    this.#order.delete(ref.tenant);
    let ofKind = this.#byKind.get(ref.kind);
    if (ofKind === undefined) {
      ofKind = new Map();
      this.#byKind.set(ref.kind, ofKind);
    }
    if (held?.reading.kind === "served") ofKind.set(path, held.document);
    else ofKind.delete(path);
  }

  /** Reads an entry; what cannot be read is logged once, and costs nothing else. */
  #read(path: DocumentPath, entry: string): HeldDocument | undefined {
    const read = readHeld(path, entry, this.#options.kinds);
    const held = read.kind === "held" ? read.held : undefined;
    const reason =
      read.kind === "damaged" ? read.reason : read.held.reading.kind === "unreadable" ? read.held.reading.reason : "";
    if (reason === "") this.#logged.delete(path);
    else if (this.#logged.get(path) !== reason) {
      if (this.#logged.size < MAX_LOGGED) this.#logged.set(path, reason);
      const ref = readDocumentPath(path);
      this.#options.log.error({
        event: "document_unreadable",
        ...(ref === undefined ? {} : { tenant: ref.tenant, kind: ref.kind, name: ref.name }),
        reason,
      });
    }
    return held;
  }

  /** An answer of Redis; given up when the copy stops. */
  #answer<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(resolve, reject);
      if (this.#state === "stopped") reject(new Stopped());
      else this.#abandon = reject;
    });
  }

  /** Many of them, with everything else that is ready in between. */
  async *#answers<T>(answers: AsyncGenerator<T>): AsyncGenerator<T> {
    for (;;) {
      const { done, value } = await this.#answer(answers.next());
      if (done) return;
      yield value;
      if (this.#slice.over()) await this.#slice.next();
    }
  }
}

function isSame(one: HeldDocument | undefined, other: HeldDocument | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.document.revision === other.document.revision && one.document.body.equals(other.document.body);
}

function asRefusal(error: unknown): ToolgateError {
  if (error instanceof Stopped)
    return new ToolgateError("NODE_DRAINING", "the node's copy of the documents is not running");
  return error instanceof ToolgateError ? error : fromRedisError(error);
}
