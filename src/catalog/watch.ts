import { setMaxListeners } from "node:events";
import { ToolgateError } from "../errors/toolgate-error.js";
import { invalidField, type ToolsetName } from "../identity/names.js";
import { BEFORE_ALL, type ChangeEntry, compareIds } from "../store/registry/change-feed.js";
import type { CatalogCopy, CatalogEvent, CatalogReader } from "./catalog-copy.js";
import { formatRevision, laterPositions, MAX_REVISION_CHARACTERS, type Positions, parseRevision } from "./revision.js";
import type { ToolsetView } from "./toolset-view.js";

/*
 * One reader's view of what happens to the catalogue.
 *
 * A watch is `snapshot due` or `following`. It starts with a snapshot, unless it can report everything since the
 * revision that its reader brought. A gap in the copy's knowledge, or more pending changes than a slow reader may
 * have, makes a snapshot due again: memory stays flat whatever a reader does. The reader pulls; between two pulls the
 * watch only collects. A toolset whose record turns out to be damaged makes one due too. Revisions never go back within one watch, nor from one to the watch that resumes it, not even when
 * Redis has lost everything: then the last one is repeated, from which a watch resumes by a new snapshot only.
 */

/** The most changes that wait for a slow reader, and that a resumed watch catches up with. */
const MAX_PENDING = 1_000;
/** The most changes in one step. */
const CHANGES_PER_STEP = 250;
/** The most names that one watch follows by name. */
const MAX_NAMES = 1_000;

/** What happened, and the toolset as it is known now. */
export interface WatchedChange {
  readonly entry: ChangeEntry;
  /** Absent when the toolset is gone. */
  readonly toolset: ToolsetView | undefined;
}

/** One step of a watch; a reader goes on from `revision` after it. */
export type WatchStep =
  | { readonly kind: "snapshot"; readonly toolsets: readonly ToolsetView[]; readonly revision: string }
  | { readonly kind: "changes"; readonly changes: readonly WatchedChange[]; readonly revision: string };

export interface WatchRequest {
  /** Where to go on; empty starts with a snapshot. */
  readonly revision: string;
  /** Only these; empty means all. They need not exist yet. */
  readonly toolsets: readonly ToolsetName[];
}

export type WatchedCopy = Pick<CatalogCopy, "get" | "all" | "positions" | "onChange" | "catchUp" | "changesBetween">;

/** What of the copy a reader can see; the copy itself where that is all of it for good. */
export interface SeenCatalog extends Pick<CatalogReader, "get" | "all"> {
  /** Whether that is all of the copy as of now; absent where it never is. */
  readonly isWhole?: boolean;
}

/** Checks what a reader asks for. @throws ToolgateError INVALID_REQUEST */
export function checkWatchRequest({ revision, toolsets }: WatchRequest): void {
  if (revision.length > MAX_REVISION_CHARACTERS)
    throw invalidField("revision", "must be the revision of an earlier answer");
  if (toolsets.length > MAX_NAMES) throw invalidField("toolsets", `must be at most ${MAX_NAMES} names`);
}

/** All watches of a node. */
export class Watches {
  readonly #copy: WatchedCopy;
  readonly #stopping = new AbortController();

  constructor(copy: WatchedCopy) {
    this.#copy = copy;
    setMaxListeners(0, this.#stopping.signal); // one per watch
  }

  /** Ends all watches, so that their readers go on elsewhere. */
  stop(): void {
    this.#stopping.abort();
  }

  /**
   * Starts a watch. It ends when the signal fires or its reader stops.
   *
   * @param seen what its reader can see: of the rest it hears nothing.
   * @throws ToolgateError NODE_DRAINING when the node stops: any other node goes on from the last revision; STORE_UNAVAILABLE
   * when Redis is away and the reader resumes from what this node has not read yet.
   */
  async *watch(
    request: WatchRequest,
    signal: AbortSignal,
    seen: SeenCatalog = this.#copy,
  ): AsyncGenerator<WatchStep, void, void> {
    const watch = new Watch(this.#copy, seen, request);
    const cancel = () => watch.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    this.#stopping.signal.addEventListener("abort", cancel, { once: true });
    try {
      await watch.open();
      for (;;) {
        if (this.#stopping.signal.aborted)
          throw new ToolgateError("NODE_DRAINING", "the node is stopping; resume the watch on another one");
        if (signal.aborted) return;
        const step = watch.next();
        if (step === undefined) await watch.untilReady();
        else yield step;
      }
    } finally {
      signal.removeEventListener("abort", cancel);
      this.#stopping.signal.removeEventListener("abort", cancel);
      watch.close();
    }
  }
}

/** A change that waits, with its shard. */
interface Pending {
  readonly shard: number;
  readonly entry: ChangeEntry;
}

type State =
  | { readonly kind: "snapshot due" }
  /** `seen` is what the copy stood at when the last pending change came in. */
  | { readonly kind: "following"; readonly pending: readonly Pending[]; readonly seen: Positions };

class Watch {
  readonly #copy: WatchedCopy;
  readonly #seen: SeenCatalog;
  /** Whether the reader saw only some of the copy when it was last told of what there is. */
  #wasRestricted = false;
  /** Of a restricted reader: the toolsets that it has heard of, of which it has to hear when they go. */
  readonly #known = new Set<ToolsetName>();
  readonly #resumeFrom: string;
  readonly #names: ReadonlySet<string> | undefined;
  #state: State = { kind: "snapshot due" };
  /** What was reported to the reader; undefined before the first step. */
  #reported: Positions | undefined;
  #cancelled = false;
  #wake: (() => void) | undefined;
  #unsubscribe: () => void = () => {};

  constructor(copy: WatchedCopy, seen: SeenCatalog, { revision, toolsets }: WatchRequest) {
    this.#copy = copy;
    this.#seen = seen;
    this.#wasRestricted = this.#restricted;
    this.#resumeFrom = revision;
    this.#names = toolsets.length === 0 ? undefined : new Set(toolsets);
  }

  /** Listens, and catches up with what the reader has missed, where that is known. */
  async open(): Promise<void> {
    this.#unsubscribe = this.#copy.onChange((event) => this.#onEvent(event));
    const from = parseRevision(this.#resumeFrom, this.#copy.positions().length);
    if (from !== undefined) await this.#resume(from);
  }

  close(): void {
    this.#unsubscribe();
  }

  /** Whether the reader sees only some of the copy: from the first toolset of another tenant on, say, and for good then. */
  get #restricted(): boolean {
    return this.#wasRestricted || (this.#seen !== this.#copy && this.#seen.isWhole !== true);
  }

  /** Makes a wait end; the waiter looks for the reason. */
  cancel(): void {
    this.#cancelled = true;
    this.#wake?.();
  }

  /** The next step, if there is one. */
  next(): WatchStep | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "snapshot due": {
        // Positions, views and an empty list of pending changes belong together: nothing may happen in between.
        const seen = this.#copy.positions();
        this.#state = { kind: "following", pending: [], seen };
        const all = this.#seen.all();
        const toolsets = this.#names === undefined ? all : all.filter(({ name }) => this.#covers(name));
        this.#remember(toolsets);
        return { kind: "snapshot", toolsets, revision: this.#advance(seen) };
      }
      case "following": {
        const { pending, seen } = state;
        if (pending.length === 0) return undefined;
        const now = pending.slice(0, CHANGES_PER_STEP);
        const later = pending.slice(CHANGES_PER_STEP);
        this.#state = { kind: "following", pending: later, seen };
        return {
          kind: "changes",
          changes: now.map(({ entry }) => ({ entry, toolset: this.#seen.get(entry.toolset) })),
          revision: this.#advance(later.length === 0 ? seen : this.#positionsAfter(now)),
        };
      }
      default:
        return state satisfies never;
    }
  }

  /** Resolves when there may be a step, or when the watch was cancelled. */
  untilReady(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#wake = undefined;
        resolve();
      };
      if (this.#cancelled || this.#state.kind === "snapshot due" || this.#state.pending.length > 0) done();
      else this.#wake = done;
    });
  }

  #covers(name: string): boolean {
    return this.#names?.has(name) ?? true;
  }

  #onEvent(event: CatalogEvent): void {
    this.#state = this.#stateAfter(event);
    if (this.#state.kind === "snapshot due" || this.#state.pending.length > 0) this.#wake?.();
  }

  #stateAfter(event: CatalogEvent): State {
    const state = this.#state;
    if (state.kind === "snapshot due") return state;
    // What it knew is not known: it was all that there was.
    if (this.#restricted && !this.#wasRestricted) return { kind: "snapshot due" };
    switch (event.kind) {
      case "changed": {
        const news = this.#visibleOf(event.entries);
        if (news === undefined) return { kind: "snapshot due" };
        if (state.pending.length + news.length > MAX_PENDING) return { kind: "snapshot due" };
        const pending = news.map((entry) => ({ shard: event.shard, entry }));
        return { kind: "following", pending: [...state.pending, ...pending], seen: this.#copy.positions() };
      }
      case "reloaded":
        return { kind: "snapshot due" };
      case "refreshed": // the stream will tell
        return state;
      case "quarantined": // no change, but the toolset is not there any more; that it is mended is one
        return event.names.some((name) => this.#covers(name) && (!this.#restricted || this.#known.has(name)))
          ? { kind: "snapshot due" }
          : state;
      default:
        return event satisfies never;
    }
  }

  #remember(toolsets: readonly ToolsetView[]): void {
    this.#wasRestricted = this.#restricted;
    if (!this.#wasRestricted) return;
    this.#known.clear();
    for (const { name } of toolsets) this.#known.add(name);
  }

  /**
   * Those changes that the reader may hear of, and asked for; undefined where it has to get a snapshot, because a toolset that it knew is
   * there still, and not visible to it any more.
   */
  #visibleOf(entries: readonly ChangeEntry[]): readonly ChangeEntry[] | undefined {
    const asked = entries.filter(({ toolset }) => this.#covers(toolset));
    if (!this.#restricted) return asked;
    const news: ChangeEntry[] = [];
    for (const entry of asked) {
      const { toolset } = entry;
      if (this.#seen.get(toolset) !== undefined) this.#known.add(toolset);
      else if (!this.#known.has(toolset)) continue;
      else if (this.#copy.get(toolset) !== undefined) return undefined;
      else if (entry.kind === "unregistered") this.#known.delete(toolset);
      news.push(entry);
    }
    return news;
  }

  /**
   * Goes on from a revision, if what was missed since is known; otherwise a snapshot stays due.
   *
   * The state is always read and written in one turn: news that come in between two turns would be lost otherwise.
   */
  async #resume(from: Positions): Promise<void> {
    // A reader that comes from another node may know of changes that this one is about to read. While Redis is away it cannot:
    // then this node has nothing to tell that the reader does not know better.
    if (isAhead(from, this.#copy.positions())) await this.#copy.catchUp();
    const to = this.#copy.positions();
    if (isAhead(from, to)) {
      // Redis has lost them. The snapshot repeats the reader's revision, as it would for a watch that was there all along.
      this.#reported = from;
      return;
    }
    try {
      // From here on the copy's news are collected; what is read below ends where they begin.
      this.#state = { kind: "following", pending: [], seen: to };
      const missed = await this.#missed(from, to);
      this.#state = resumed(this.#state, missed);
      if (this.#state.kind === "following") this.#reported = from;
    } catch {
      // Redis is away: the copy is all there is.
      this.#state = { kind: "snapshot due" };
    }
  }

  async #missed(from: Positions, to: Positions): Promise<Pending[] | undefined> {
    const missed: Pending[] = [];
    // What a restricted reader can see now, it knew before, or hears of now. Of what is gone, nobody can say whether it was visible.
    this.#remember(this.#seen.all());
    for (const [shard, start] of from.entries()) {
      const entries = await this.#copy.changesBetween(shard, start, to[shard] ?? start, MAX_PENDING);
      if (entries === undefined) return undefined;
      if (this.#restricted && entries.some(({ toolset }) => this.#copy.get(toolset) === undefined)) return undefined;
      for (const entry of this.#visibleOf(entries) ?? []) missed.push({ shard, entry });
    }
    // Within a shard ids rise; across shards their times are the best order there is.
    return missed.sort((a, b) => compareIds(a.entry.id, b.entry.id));
  }

  /** Where the reader stands after some of the pending changes. */
  #positionsAfter(changes: readonly Pending[]): Positions {
    const positions = [...(this.#reported ?? [])];
    for (const { shard, entry } of changes) positions[shard] = entry.id;
    return positions;
  }

  #advance(positions: Positions): string {
    this.#reported = this.#reported === undefined ? positions : laterPositions(this.#reported, positions);
    return formatRevision(this.#reported);
  }
}

/** What was missed, and then the news since; a snapshot when there was a gap meanwhile, or when it is all too much. */
function resumed(since: State, missed: readonly Pending[] | undefined): State {
  if (missed === undefined || since.kind === "snapshot due") return { kind: "snapshot due" };
  const pending = [...missed, ...since.pending];
  return pending.length > MAX_PENDING ? { kind: "snapshot due" } : { kind: "following", pending, seen: since.seen };
}

function isAhead(a: Positions, b: Positions): boolean {
  return a.some((position, shard) => compareIds(position, b[shard] ?? BEFORE_ALL) > 0);
}
