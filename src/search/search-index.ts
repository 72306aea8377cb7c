import { TimeSlice } from "../async/time-slice.js";
import type { CatalogCopy, CatalogEvent, CatalogReader } from "../catalog/catalog-copy.js";
import { openPageToken, sealPageToken } from "../catalog/page-token.js";
import { passes, type ToolsetFilter } from "../catalog/toolset-filter.js";
import { factsOf, type HealthAt, isCallable, type ToolsetView } from "../catalog/toolset-view.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { invalidField } from "../identity/names.js";
import type { SearchHit } from "../protocol/generated/toolgate/v1/SearchHit.js";
import { InvertedIndex } from "./inverted-index.js";
import { nameWords } from "./search-terms.js";

/*
 * Keeps the index of a copy of the catalogue.
 *
 * Names whose toolset may differ wait in a queue; one loop takes them in, in slices, so that 10,000 toolsets are
 * indexed in the background while calls pass. A search waits for the names that were in the queue when it came: it
 * finds what its caller has just registered. When much of the index is waste, a second one is filled beside it with
 * everything, and takes its place once nothing is missing; until then both are kept up to date.
 */

const MAX_QUERY_CHARACTERS = 256;

export interface SearchRequest {
  readonly query: string;
  readonly filter: ToolsetFilter;
  readonly pageSize: number;
  /** Empty for the first page. */
  readonly pageToken: string;
}

/** Who searches. */
export interface Searcher {
  /** What of the copy it can see; undefined where that is all of it. */
  readonly seen: Pick<CatalogReader, "get"> | undefined;
  /** What its page tokens are bound to. */
  readonly scope: readonly string[];
}

/** A searcher that sees everything. */
export const SEES_ALL: Searcher = Object.freeze({ seen: undefined, scope: Object.freeze([]) });

export interface SearchPage {
  /** Best first. */
  readonly hits: SearchHit[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

type State =
  | { readonly kind: "new" }
  | { readonly kind: "running"; readonly unsubscribe: () => void }
  | { readonly kind: "stopped" };

/** An index, and what it has yet to take in. */
class Filling {
  readonly index = new InvertedIndex();
  readonly queue = new Set<string>();
  /** How many names were ever taken from the queue. */
  begun = 0;
  /** How many of those are in the index. */
  done = 0;
}

interface Waiter {
  readonly filling: Filling;
  /** How many names must be done first. */
  readonly target: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class SearchIndex {
  readonly #copy: Pick<CatalogCopy, "get" | "all" | "onChange">;
  readonly #slice: TimeSlice;
  #state: State = { kind: "new" };
  #current = new Filling();
  #next: Filling | undefined;
  #turnOfNext = false;
  #loop: Promise<void> | undefined;
  #waiters: Waiter[] = [];

  constructor(copy: Pick<CatalogCopy, "get" | "all" | "onChange">, monotonicMs: () => number) {
    this.#copy = copy;
    this.#slice = new TimeSlice(monotonicMs);
  }

  /** What the index holds: documents that can be found, and dead ones that a renewal will drop. */
  get size(): { readonly live: number; readonly dead: number } {
    const { size, dead } = this.#current.index;
    return { live: size, dead };
  }

  /** Starts to index in the background. */
  start(): void {
    if (this.#state.kind !== "new") return;
    this.#state = { kind: "running", unsubscribe: this.#copy.onChange((event) => this.#note(event)) };
    this.#enqueue(this.#copy.all().map(({ name }) => name));
  }

  /** Stops indexing; searches that still wait are refused. */
  async stop(): Promise<void> {
    if (this.#state.kind === "running") this.#state.unsubscribe();
    this.#state = { kind: "stopped" };
    await this.#loop;
    for (const { reject } of this.#waiters.splice(0))
      reject(new ToolgateError("NODE_DRAINING", "the node is stopping"));
  }

  /**
   * Finds toolsets and tools by words: ranked, tolerant of slips, an exact name first.
   *
   * @throws ToolgateError INVALID_REQUEST for a query without a word or over 256 characters, and for a page token of
   * another search.
   */
  async search(request: SearchRequest, at: HealthAt, { seen, scope }: Searcher = SEES_ALL): Promise<SearchPage> {
    const { query, filter, pageSize, pageToken } = request;
    checkQuery(query);
    const question = ["search", query, filter, ...scope];
    const position = pageToken === "" ? undefined : openPageToken(pageToken, question, ["number", "string", "string"]);
    await this.#complete();
    const after = position === undefined ? undefined : { score: position[0], toolset: position[1], tool: position[2] };
    // One more than the page is looked for, so that the last page says that it is the last.
    const ranked = this.#current.index.rank({
      query,
      limit: pageSize + 1,
      after,
      accepts: (toolset) => this.#accepts(seen ?? this.#copy, toolset, filter, at),
      seen: seen && {
        toolset: (toolset) => seen.get(toolset) !== undefined,
        tool: (toolset, tool) => hasTool(seen.get(toolset), tool),
      },
    });
    const page = ranked.slice(0, pageSize);
    const last = page.at(-1);
    return {
      hits: page.map(({ document: { toolset, tool, title, description }, score }) => {
        const view = this.#copy.get(toolset);
        const healthy = view !== undefined && isCallable(view, at.nowMsOf(view.name), at.rule);
        return { toolset, tool, score, title, description, healthy };
      }),
      nextPageToken:
        last === undefined || ranked.length <= pageSize
          ? ""
          : sealPageToken(question, [last.score, last.document.toolset, last.document.tool]),
    };
  }

  #accepts(catalog: Pick<CatalogReader, "get">, toolset: string, filter: ToolsetFilter, at: HealthAt): boolean {
    const view = catalog.get(toolset);
    if (view === undefined) return false;
    if (filter.tags.length === 0 && filter.health === "any") return true;
    const facts = factsOf(view);
    return facts !== undefined && passes(view, facts, filter, at);
  }

  #note(event: CatalogEvent): void {
    switch (event.kind) {
      case "changed":
        this.#enqueue(event.entries.map(({ toolset }) => toolset));
        return;
      case "reloaded":
      case "refreshed":
      case "quarantined":
        this.#enqueue(event.names);
        return;
      default:
        event satisfies never;
    }
  }

  #enqueue(names: readonly string[]): void {
    for (const filling of [this.#current, this.#next]) {
      if (filling === undefined) continue;
      for (const name of names) if (this.#isDue(filling, name)) filling.queue.add(name);
    }
    if (this.#state.kind === "running") this.#loop ??= this.#run();
  }

  /** Most changes are of health, and leave the contract as it is. */
  #isDue(filling: Filling, name: string): boolean {
    return this.#copy.get(name)?.shown.digest !== filling.index.digestOf(name);
  }

  /** Resolves when everything that was in the queue has been taken in. */
  #complete(): Promise<void> {
    const filling = this.#current;
    if (this.#state.kind === "stopped") {
      return Promise.reject(new ToolgateError("NODE_DRAINING", "the node is stopping"));
    }
    // The queue is in order of arrival: after as many more as it holds, none of those that wait now is left.
    const target = filling.begun + filling.queue.size;
    if (filling.done >= target) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ filling, target, resolve, reject }));
  }

  async #run(): Promise<void> {
    await this.#slice.next();
    while (this.#state.kind === "running") {
      const filling = this.#nextToFill();
      const name = filling === undefined ? undefined : first(filling.queue);
      if (filling === undefined || name === undefined) {
        if (!this.#replace()) break;
        continue;
      }
      filling.queue.delete(name);
      filling.begun++;
      await this.#takeIn(filling.index, name);
      if (this.#state.kind !== "running") break;
      filling.done++;
      // The new index has everything, and so has all that the current one still waits for.
      if (this.#next?.queue.size === 0) this.#replace();
      this.#serveWaiters();
    }
    this.#loop = undefined;
  }

  /** The two take turns: under constant change the current index alone would keep the loop busy, and waste grow. */
  #nextToFill(): Filling | undefined {
    const [current, next] = [this.#current, this.#next];
    if (next === undefined || next.queue.size === 0) return current.queue.size > 0 ? current : undefined;
    this.#turnOfNext = !this.#turnOfNext;
    return current.queue.size === 0 || this.#turnOfNext ? next : current;
  }

  async #takeIn(index: InvertedIndex, name: string): Promise<void> {
    const view = this.#copy.get(name);
    const contract = view === undefined ? undefined : readableContract(view);
    if (view === undefined || contract === undefined) {
      index.remove(name);
      return;
    }
    for (const _step of index.put(name, contract, view.shown.digest)) {
      if (this.#slice.over()) await this.#slice.next();
      if (this.#state.kind !== "running") return;
    }
    if (this.#slice.over()) await this.#slice.next();
  }

  /** Puts the new index in its place, or starts one when the current is wasteful; false when there is nothing to do. */
  #replace(): boolean {
    if (this.#next !== undefined) {
      this.#current = this.#next;
      this.#next = undefined;
      this.#serveWaiters();
      return true;
    }
    if (!this.#current.index.wasteful) return false;
    this.#next = new Filling();
    for (const { name } of this.#copy.all()) this.#next.queue.add(name);
    return true;
  }

  #serveWaiters(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter(({ filling, target, resolve }) => {
      // A filling that was replaced had nothing left to take in.
      if (filling === this.#current && filling.done < target) return true;
      resolve();
      return false;
    });
  }
}

function first(names: ReadonlySet<string>): string | undefined {
  for (const name of names) return name;
  return undefined;
}

function hasTool(view: ToolsetView | undefined, tool: string): boolean {
  try {
    return view?.shown.tool(tool) !== undefined;
  } catch {
    return false; // its contract cannot be read: noted where that was found
  }
}

/** The contract to index; nothing when it is unreadable, which has been noted where it was found. */
function readableContract(view: ToolsetView) {
  try {
    return view.shown.text.parseApart();
  } catch {
    return undefined;
  }
}

function checkQuery(query: string): void {
  if ([...query].length > MAX_QUERY_CHARACTERS) {
    throw invalidField("query", `must be at most ${MAX_QUERY_CHARACTERS} characters`);
  }
  if (nameWords(query).length === 0) {
    throw invalidField("query", "must contain a letter or a digit; ListToolsets lists everything");
  }
}
