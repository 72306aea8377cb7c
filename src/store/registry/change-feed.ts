import { type Epoch, parseEpoch, type ToolsetName } from "../../identity/names.js";
import { isToolsetName } from "../../identity/toolset-name.js";
import type { CatalogRedis, RawEntry } from "../../redis/catalog-redis.js";

const KINDS = ["registered", "activated", "retired", "healthy", "unhealthy", "unregistered"] as const;

/** What happened to a toolset. */
export type ChangeKind = (typeof KINDS)[number];

/** One entry of a `changes` stream. */
export interface ChangeEntry {
  readonly id: StreamId;
  /** When, in Unix milliseconds by Redis's clock. */
  readonly atMs: number;
  readonly kind: ChangeKind;
  readonly toolset: ToolsetName;
  readonly epoch: Epoch;
}

/** An id of a stream entry: milliseconds, and a number within them. */
export type StreamId = string;

/** Stands before every entry: the position in a stream that is empty or missing. */
export const BEFORE_ALL: StreamId = "0-0";

const STREAM_ID = /^([0-9]{1,16})-([0-9]{1,20})$/;

/** Whether a text is a stream id. */
export function isStreamId(text: string): boolean {
  return STREAM_ID.test(text);
}

/** Negative when `a` is before `b`, positive when it is after. */
export function compareIds(a: StreamId, b: StreamId): number {
  const [aMs = "0", aSequence = "0"] = a.split("-");
  const [bMs = "0", bSequence = "0"] = b.split("-");
  return Number(aMs) - Number(bMs) || compareNumbers(aSequence, bSequence);
}

/** Sequence numbers have 64 bits: as texts they compare by length, then by digits. */
function compareNumbers(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

/** Reads an entry; nothing when it is not one of ours. */
export function readEntry([id, fields]: RawEntry): ChangeEntry | undefined {
  const values = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) values.set(fields[i] ?? "", fields[i + 1] ?? "");
  const kind = KINDS.find((known) => known === values.get("kind"));
  const toolset = values.get("toolset") ?? "";
  const epoch = values.get("epoch") ?? "";
  if (kind === undefined || !isToolsetName(toolset) || !/^[1-9][0-9]{0,15}$/.test(epoch)) return undefined;
  return { id, atMs: Number(id.slice(0, id.indexOf("-"))), kind, toolset, epoch: parseEpoch(epoch, "epoch") };
}

/** What a read says about the time since a position. */
export type FeedReading =
  /** Nothing was missed; these entries came after the position. */
  | { readonly kind: "continuous"; readonly entries: readonly RawEntry[]; readonly more: boolean }
  /** The entry at the position is gone: trimmed away, or the stream is another one. What happened is unknown. */
  | { readonly kind: "gap" };

/** Where a reader stands in a stream: the last entry that it knows, whole if it has it, else by its id. */
export interface FeedPosition {
  readonly id: StreamId;
  readonly fields?: readonly string[];
}

/** The position in a stream that is empty or missing. */
export const START: FeedPosition = { id: BEFORE_ALL };

/**
 * Judges a read that started *at* a position, not after it. As long as that entry is still there nothing was trimmed
 * behind it, and the stream is the same one; a Redis that lost everything cannot have it. Ids alone do not tell that
 * quite: two streams of one millisecond give the same ones.
 *
 * @param untrimmed whether the stream still has every entry it ever had: decides for a position before all.
 */
export function judgeReading(
  position: FeedPosition,
  entries: readonly RawEntry[],
  limit: number,
  untrimmed: boolean,
): FeedReading {
  const more = entries.length >= limit;
  if (position.id === BEFORE_ALL) {
    return entries.length === 0 || untrimmed ? { kind: "continuous", entries, more } : { kind: "gap" };
  }
  const [first] = entries;
  if (first === undefined || !isAt(position, first)) return { kind: "gap" };
  return { kind: "continuous", entries: entries.slice(1), more };
}

function isAt({ id, fields }: FeedPosition, [entryId, entryFields]: RawEntry): boolean {
  if (id !== entryId) return false;
  if (fields === undefined) return true;
  return fields.length === entryFields.length && fields.every((field, index) => field === entryFields[index]);
}

/** Reads what came after a position, at most `limit` entries. */
export async function readFeed(
  redis: CatalogRedis,
  stream: string,
  position: FeedPosition,
  limit: number,
): Promise<FeedReading> {
  const entries = await redis.xrange(stream, position.id, "+", "COUNT", limit + 1);
  const untrimmed = position.id === BEFORE_ALL && entries.length > 0 ? await isUntrimmed(redis, stream) : false;
  return judgeReading(position, entries, limit + 1, untrimmed);
}

/** Where a stream ends. */
export async function lastPosition(redis: CatalogRedis, stream: string): Promise<FeedPosition> {
  const [last] = await redis.xrevrange(stream, "+", "-", "COUNT", 1);
  return last === undefined ? START : positionAt(last);
}

/** The position of a reader that knows an entry and everything before it. */
export function positionAt([id, fields]: RawEntry): FeedPosition {
  return { id, fields };
}

async function isUntrimmed(redis: CatalogRedis, stream: string): Promise<boolean> {
  const info = await redis.xinfo("STREAM", stream).catch((error: unknown) => {
    // The stream was lost since its entries were read.
    if (error instanceof Error && error.message === "ERR no such key") return undefined;
    throw error;
  });
  if (!Array.isArray(info)) return false;
  const value = (name: string): unknown => info[info.indexOf(name) + 1];
  return typeof value("length") === "number" && value("length") === value("entries-added");
}
