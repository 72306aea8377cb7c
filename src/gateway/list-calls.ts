import { openPageToken, sealPageToken } from "../catalog/page-token.js";
import { invalidField } from "../identity/names.js";
import type { ShardKeys } from "../redis/keys.js";
import type { CallHead } from "../store/calls/call-record.js";
import type { CallStore } from "../store/calls/call-store.js";
import { type CallFilter, type ListedCall, lookAtCalls, SHARD_START } from "../store/calls/list-calls.js";
import type { PageSeal } from "./page-seal.js";

/** One page of calls that have not ended. */
export interface CallPage {
  readonly calls: readonly ListedCall[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
  /** When the last of it was read, in Unix milliseconds by Redis's clock. */
  readonly timeMs: number;
}

/** The most scripts that one page runs: with a filter that few calls fit, a page may have none and not be the last. */
const MAX_LOOKS = 20;

/** ZSCAN's cursors are unsigned numbers of 64 bits. */
const CURSOR = /^[0-9]{1,20}$/;

/** Who lists calls. */
export interface CallLister {
  /** What its page tokens are bound to. */
  readonly scope: readonly string[];
  /** Whether it may follow a call: others are not listed. */
  maySee(head: CallHead): boolean;
  /** Seals its page tokens; undefined where it is shown all calls. */
  readonly seal: PageSeal | undefined;
}

const SEES_ALL: CallLister = { scope: [], maySee: () => true, seal: undefined };

/**
 * Lists the calls of a registry that have not ended, shard by shard.
 *
 * @param size how many calls to give at most.
 * @param pageToken empty for the first page.
 * @throws ToolgateError INVALID_REQUEST for a token of another list; STORE_UNAVAILABLE
 */
export async function listCalls(
  store: CallStore,
  filter: CallFilter,
  size: number,
  pageToken: string,
  { scope, maySee, seal }: CallLister = SEES_ALL,
): Promise<CallPage> {
  const question = ["calls", filter, ...scope];
  const shards = filter.toolset === undefined ? store.keyspace.shards : [store.keyspace.forToolset(filter.toolset)];
  let { index, position } = openPosition(
    pageToken === "" || seal === undefined ? pageToken : await seal.open(pageToken),
    question,
    shards,
  );
  const calls: ListedCall[] = [];
  let timeMs = 0;
  for (let looks = 0; index < shards.length; looks += 1) {
    const keys = shards[index];
    if (keys === undefined || looks === MAX_LOOKS || calls.length >= size) break;
    const found = await lookAtCalls(store, keys, filter, position, size - calls.length);
    calls.push(...found.calls.filter(({ head }) => maySee(head)));
    timeMs = found.timeMs;
    position = found.next ?? SHARD_START;
    if (found.next === undefined) index += 1;
  }
  if (index >= shards.length) return { calls, nextPageToken: "", timeMs };
  const token = sealPageToken(question, [index, position.cursor, position.until, position.after]);
  return {
    calls,
    nextPageToken: seal === undefined ? token : await seal.seal(token),
    timeMs,
  };
}

function openPosition(token: string, question: unknown, shards: readonly ShardKeys[]) {
  if (token === "") return { index: 0, position: SHARD_START };
  const [index, cursor, until, after] = openPageToken(token, question, ["number", "string", "string", "string"]);
  if (shards[index] === undefined || !CURSOR.test(cursor))
    throw invalidField("page_token", "must be the next_page_token of an earlier answer");
  return { index, position: { cursor, until, after } };
}
