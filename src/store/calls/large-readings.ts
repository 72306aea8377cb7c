import { setImmediate as nextTurn } from "node:timers/promises";
import { type Deferred, deferred } from "../../async/deferred.js";
import { FairQueue } from "../../async/fair-queue.js";
import type { CallId } from "../../identity/call-id.js";
import { runConfirmed } from "../../redis/commits.js";
import type { ShardKeys } from "../../redis/keys.js";
import { type LargeReply, ReplyQueue, type ReplyReader } from "../../redis/reply-queue.js";
import { asArray, asBuffer, defineScript } from "../../redis/script.js";
import { type Ending, parseEnding } from "./call-record.js";
import type { CallStore } from "./call-store.js";
import { type CallReading, readCall } from "./read-call.js";

/** How much of an end is asked for at a time, in bytes. */
const PIECE_BYTES = 131_072;
/** The most output that one reading brings, in bytes, unless a single piece of it is larger. */
const OUTPUT_BYTES = 262_144;
/** What is compared of a record, to know whether it is the same still, in bytes: what was fixed at the admission, and the end's first line. */
const MARK_BYTES = 1_024;

const READ_PIECE = defineScript(
  "READ_PIECE",
  `
-- KEYS    [1] prefix
-- ARGV    [1] id, [2] from where in the record, [3] to where
-- Returns how the record begins, and the piece; both are empty for what is no record
local key = KEYS[1] .. 'call:' .. ARGV[1]
local mark = redis.pcall('GETRANGE', key, 0, ${MARK_BYTES - 1})
if type(mark) ~= 'string' then return { '', '' } end
return { mark, redis.call('GETRANGE', key, ARGV[2], ARGV[3]) }
`,
);
/** The first line of an end; see record-lua.ts. */
const END_LINE = /^[a-z][\w-]* \S+ \d+ \d+(?: |$)/;
/** A call's record may have been lost, and its loss written down, while it was read: then it is read once more. */
const TRIES = 2;

/** How much is handed on in one turn of the event loop, in bytes, or one end: each that it is handed to encodes it at once. */
const TOLD_BYTES = 1_048_576;
/** While more bytes than this of ends are read and not handed on, a reading counts as asked for until it is handed on. */
const MOST_UNTOLD_BYTES = 8_388_608;

/** A wait for an end. */
interface Asker extends LargeReply {
  /** Once it is read. */
  ending: Ending | undefined;
  /** The end is there, or is known to be nowhere, or cannot be read. */
  settle(settle: (resolve: (ending: Ending | undefined) => void, reject: (error: unknown) => void) => void): void;
}

/** One reading of an end, for all that ask for it at that time. */
interface EndReading {
  readonly askers: Set<Asker>;
  /** Resolves when all that asked have the end, or have left. */
  readonly over: Deferred<void>;
  begun: boolean;
}

/**
 * Reads what calls left in Redis that is large, ends and output, apart from all other commands and in turns; see reply-queue.ts.
 *
 * An end is read once for all that ask for it at the same time, in the turn of the first of them that has one, and piece by
 * piece. They are given the same bytes, connections in turns, and only so much at once.
 */
export class LargeReadings {
  readonly #store: CallStore;
  readonly #turns: ReadonlyMap<ShardKeys, ReplyQueue>;
  readonly #endings = new Map<CallId, EndReading>();
  /** Waiters whose ends are read and not handed on yet. */
  readonly #untold = new FairQueue<Asker>();
  #untoldBytes = 0;
  #telling = false;

  constructor(store: CallStore) {
    this.#store = store;
    this.#turns = new Map(store.keyspace.shards.map((keys) => [keys, new ReplyQueue()]));
  }

  /** How many wait for their turns. */
  get waiting(): number {
    let count = 0;
    for (const { waiting } of this.#turns.values()) count += waiting;
    return count;
  }

  /**
   * How a call ended, all of it; nothing when its record is gone (again).
   *
   * @throws ToolgateError STORE_UNAVAILABLE; the reader's signal's reason when that is aborted first.
   */
  ending(id: CallId, { client, signal }: ReplyReader): Promise<Ending | undefined> {
    const keys = this.#store.keyspace.forCall(id);
    const turns = keys && this.#turns.get(keys);
    if (keys === undefined || turns === undefined) return Promise.resolve(undefined);
    const known = this.#endings.get(id);
    const reading = known ?? { askers: new Set(), over: deferred<void>(), begun: false };
    if (known === undefined) this.#endings.set(id, reading);
    return new Promise((resolve, reject) => {
      const asker: Asker = {
        client,
        bytes: PIECE_BYTES,
        ending: undefined,
        begin: () => this.#begin(keys, turns, id, reading),
        refuse: (error) => asker.settle((_resolve, reject) => reject(error)),
        settle: (settle) => {
          signal.removeEventListener("abort", leave);
          turns.delete(asker);
          this.#untold.delete(asker);
          reading.askers.delete(asker);
          if (reading.askers.size === 0) {
            this.#close(id, reading);
            reading.over.resolve();
          }
          settle(resolve, reject);
        },
      };
      const leave = (): void => asker.settle((_resolve, reject) => reject(signal.reason));
      reading.askers.add(asker);
      if (signal.aborted) {
        leave();
        return;
      }
      signal.addEventListener("abort", leave, { once: true });
      if (!reading.begun) turns.add(asker);
    });
  }

  async #begin(keys: ShardKeys, turns: ReplyQueue, id: CallId, reading: EndReading): Promise<void> {
    reading.begun = true;
    for (const asker of reading.askers) turns.delete(asker); // this is their reading too
    try {
      const ending = await this.#read(keys, id, reading);
      this.#close(id, reading);
      await this.#tell(reading, ending);
    } catch (error) {
      for (const asker of [...reading.askers]) asker.settle((_resolve, reject) => reject(error));
      throw error;
    }
  }

  /** Those that ask from now on are given another reading. */
  #close(id: CallId, reading: EndReading): void {
    if (this.#endings.get(id) === reading) this.#endings.delete(id);
  }

  /** Gives an end to all that asked for it; resolves when another one may be asked for. */
  async #tell({ askers, over }: EndReading, ending: Ending | undefined): Promise<void> {
    const bytes = ending?.body.length ?? 0;
    this.#untoldBytes += bytes;
    const told = over.promise.then(() => {
      this.#untoldBytes -= bytes;
    });
    for (const asker of askers) {
      asker.ending = ending;
      this.#untold.add(asker);
    }
    if (!this.#telling) void this.#tellInTurns();
    if (this.#untoldBytes > MOST_UNTOLD_BYTES) await told;
  }

  async #tellInTurns(): Promise<void> {
    this.#telling = true;
    let bytes = 0;
    for (let asker = this.#untold.next(); asker !== undefined; asker = this.#untold.next()) {
      const { ending } = asker;
      asker.settle((resolve) => resolve(ending));
      bytes += ending?.body.length ?? 0;
      if (bytes < TOLD_BYTES) continue;
      bytes = 0;
      await nextTurn();
    }
    this.#telling = false;
  }

  async #read(keys: ShardKeys, id: CallId, { askers }: EndReading): Promise<Ending | undefined> {
    for (let left = TRIES; left > 0; left--) {
      const pieces: Buffer[] = [];
      let first: Buffer | undefined;
      // Where all have left, the rest is not asked for.
      for (let from = 0; askers.size > 0; from += PIECE_BYTES) {
        const args = [id, from, from + PIECE_BYTES - 1];
        const [mark, piece] = asArray(await runConfirmed(this.#store, keys, READ_PIECE, [keys.prefix], args)).map(
          asBuffer,
        );
        if (mark === undefined || piece === undefined) break;
        first ??= mark;
        if (!first.equals(mark)) break;
        pieces.push(piece);
        if (piece.length < PIECE_BYTES) return endingOf(pieces);
      }
    }
    return undefined;
  }

  /**
   * Reads a call's output after a cursor.
   *
   * @param nextBytes how large its next piece is: that one comes at any rate.
   * @param options see `readCall`.
   * @throws as `ending`
   */
  async output(
    id: CallId,
    nextBytes: number,
    options: Omit<Parameters<typeof readCall>[2], "outputBytes">,
    reader: ReplyReader,
  ): Promise<CallReading | undefined> {
    const keys = this.#store.keyspace.forCall(id);
    const outputBytes = Math.max(OUTPUT_BYTES, nextBytes);
    const turns = keys && this.#turns.get(keys);
    return turns?.run(reader, outputBytes, () => readCall(this.#store, id, { ...options, outputBytes }));
  }
}

/** The end in a record that was read whole; nothing when it does not say one. */
function endingOf(pieces: readonly Buffer[]): Ending | undefined {
  const [first = Buffer.alloc(0)] = pieces;
  const record = pieces.length === 1 ? first : Buffer.concat(pieces);
  const end = record.indexOf(10) + 1;
  const body = record.indexOf(10, end) + 1;
  if (end === 0 || body === 0 || !END_LINE.test(record.toString("latin1", end, body - 1))) return undefined;
  return parseEnding(record.subarray(end));
}
