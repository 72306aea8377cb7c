import { openPageToken, sealPageToken } from "../catalog/page-token.js";
import type { CallerName } from "../identity/caller-name.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import type { ShardKeys } from "../redis/keys.js";
import type { EndKind } from "../store/calls/call-record.js";
import type { CallStore } from "../store/calls/call-store.js";
import { ENDED_STREAMS, type EndedCall, type EndedStream, readEnded } from "../store/calls/ended-calls.js";
import type { CallLister } from "./list-calls.js";

/** Which calls that have ended; what is undefined fits all. */
export interface EndedFilter {
  readonly toolset: ToolsetName | undefined;
  readonly tool: ToolName | undefined;
  readonly caller: CallerName | undefined;
  /** How they ended, one of these; empty fits all. */
  readonly kinds: readonly EndKind[];
  /** They took at least so long from their admission to their end, in milliseconds. */
  readonly minTotalMs: number;
  /** They ended then or later, in Unix milliseconds by Redis's clock. */
  readonly sinceMs: number;
}

/** One page of calls that have ended, the latest first. */
export interface EndedPage {
  readonly calls: readonly EndedCall[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** Of the calls that ended with a result, in the time that the page is about, this has a part. */
  readonly sampled: boolean;
}

/** How many entries one script reads: of 1.5 KiB at most. */
const READ_ENTRIES = 100;
/** The most scripts that one page runs beside the first for each stream: with a filter that few calls fit, a page may have none and not be the last. */
const MAX_READS = 20;

/**
 * Lists the calls of a registry that have ended, the latest first. Those are indexed that ended while the index had room for them: see
 * ended-calls.ts.
 *
 * A page ends at a time, and how many of the calls of that millisecond it had: a token names no call. Where more of the same millisecond
 * come to be known between two pages, one may be listed twice.
 *
 * @param size how many calls to give at most.
 * @param pageToken empty for the first page.
 * @throws ToolgateError INVALID_REQUEST for a token of another list; STORE_UNAVAILABLE
 */
export async function listEndedCalls(
  store: CallStore,
  filter: EndedFilter,
  size: number,
  pageToken: string,
  { scope, maySee, seal }: CallLister,
): Promise<EndedPage> {
  const question = ["ended-calls", filter, ...scope];
  const [untilMs, skipped] =
    pageToken === ""
      ? ([undefined, 0] as const)
      : openPageToken(seal === undefined ? pageToken : await seal.open(pageToken), question, ["number", "number"]);
  const shards = filter.toolset === undefined ? store.keyspace.shards : [store.keyspace.forToolset(filter.toolset)];
  const from = untilMs === undefined ? "+" : String(Math.max(0, Math.trunc(untilMs)));
  const sources = shards.flatMap((keys) => ENDED_STREAMS.map((stream) => new Source(store, keys, stream, from)));
  await Promise.all(sources.map((source) => source.read()));

  const calls: EndedCall[] = [];
  let sampled = false;
  let reads = 0;
  // Where the page ends: the time of what was looked at last, and how many calls of that time were.
  let atMs = Number.POSITIVE_INFINITY;
  let ofThatTime = 0;
  let toSkip = skipped;
  while (calls.length < size) {
    const source = latest(sources);
    if (source === undefined || source.nextMs < filter.sinceMs)
      return { calls: inOrder(calls), nextPageToken: "", sampled };
    const found = source.take();
    sampled ||= found.sampled;
    ofThatTime = found.atMs === atMs ? ofThatTime + 1 : 1;
    atMs = found.atMs;
    if (found.atMs === untilMs && toSkip > 0) toSkip -= 1;
    else if (fits(found.call, filter) && maySee(found.call.head)) calls.push(found.call);
    if (source.isEmpty && !source.isOver) {
      if (reads === MAX_READS) break;
      reads += 1;
      await source.read();
    }
  }
  const over = sources.every(({ isEmpty, isOver }) => isEmpty && isOver);
  if (over) return { calls: inOrder(calls), nextPageToken: "", sampled };
  const token = sealPageToken(question, [atMs, ofThatTime]);
  return { calls: inOrder(calls), nextPageToken: seal === undefined ? token : await seal.seal(token), sampled };
}

/** Streams are in the order of their entries, which may be added a millisecond after what they say. */
function inOrder(calls: EndedCall[]): readonly EndedCall[] {
  return calls.sort((one, other) => other.endedMs - one.endedMs);
}

function fits(call: EndedCall, { tool, toolset, caller, kinds, minTotalMs, sinceMs }: EndedFilter): boolean {
  const { head } = call;
  return (
    (toolset === undefined || head.toolset === toolset) &&
    (tool === undefined || head.tool === tool) &&
    (caller === undefined || head.caller === caller) &&
    (kinds.length === 0 || kinds.includes(call.kind)) &&
    call.endedMs - head.admittedMs >= minTotalMs &&
    call.endedMs >= sinceMs
  );
}

/** The source of the latest call; the first of those of one time. */
function latest(sources: readonly Source[]): Source | undefined {
  let best: Source | undefined;
  for (const source of sources) {
    if (!source.isEmpty && (best === undefined || source.nextMs > best.nextMs)) best = source;
  }
  return best;
}

/** One call of a stream. */
interface Found {
  readonly call: EndedCall;
  /** When its entry was added. */
  readonly atMs: number;
  readonly sampled: boolean;
}

/** A stream of calls that have ended, from a time on backwards. */
class Source {
  readonly #store: CallStore;
  readonly #keys: ShardKeys;
  readonly #stream: EndedStream;
  #from: string;
  #found: Found[] = [];
  #next = 0;
  #isOver = false;

  constructor(store: CallStore, keys: ShardKeys, stream: EndedStream, from: string) {
    this.#store = store;
    this.#keys = keys;
    this.#stream = stream;
    this.#from = from;
  }

  /** It has to be read on before there is a next call, or is over. */
  get isEmpty(): boolean {
    return this.#next >= this.#found.length;
  }

  /** All of it was read. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get nextMs(): number {
    return this.#found[this.#next]?.atMs ?? Number.NEGATIVE_INFINITY;
  }

  /** Reads on until there is a next call, or nothing more. */
  async read(): Promise<void> {
    while (this.isEmpty && !this.#isOver) {
      const entries = await readEnded(this.#store.redis, this.#keys, this.#stream, this.#from, READ_ENTRIES);
      this.#isOver = entries.length < READ_ENTRIES;
      this.#from = `(${entries.at(-1)?.id ?? "0"}`;
      this.#next = 0;
      this.#found = entries.flatMap(({ atMs, calls, passedOver }) =>
        calls.map((call) => ({ call, atMs, sampled: passedOver > 0 })),
      );
    }
  }

  /** The next call; there must be one. */
  take(): Found {
    const found = this.#found[this.#next];
    if (found === undefined) throw new RangeError("there is no next call");
    this.#next += 1;
    return found;
  }
}
