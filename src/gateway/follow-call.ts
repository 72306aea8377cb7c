import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import type { CallerName } from "../identity/caller-name.js";
import { invalidField, type NodeId } from "../identity/names.js";
import type { RedisClock } from "../redis/redis-time.js";
import type { ReplyReader } from "../redis/reply-queue.js";
import type { CallNotification, CallNotifications } from "../store/calls/call-notifications.js";
import type { CallHead, SaidEnding } from "../store/calls/call-record.js";
import type { CallStore } from "../store/calls/call-store.js";
import type { LargeReadings } from "../store/calls/large-readings.js";
import type { LostCalls } from "../store/calls/lost-calls.js";
import { type CallReading, type Delta, readCall } from "../store/calls/read-call.js";
import { unknownCall } from "./unknown-call.js";

/** One step of following a call: output in order, then exactly one end. */
export type FollowStep =
  | { readonly kind: "deltas"; readonly deltas: readonly Delta[] }
  | { readonly kind: "ended"; readonly ending: SaidEnding };

export interface FollowSettings {
  readonly store: CallStore;
  readonly notifications: CallNotifications;
  readonly node: NodeId;
  readonly lost: Pick<LostCalls, "end">;
  readonly readings: Pick<LargeReadings, "output">;
  readonly clock: RedisClock;
  readonly monotonicMs: () => number;
}

/**
 * After so long past its deadline a call without any news is given up, in milliseconds. With what it takes to notice that and to
 * look once more, its reader hears of it within two seconds.
 */
export const OVERDUE_MS = 1_500;
/** How long Redis may take then to say what there is, in milliseconds; and how long until it is asked again. */
const LAST_READING_MS = 250;
const ASK_AGAIN_MS = 1_000;

const CURSOR = /^[0-9]{1,15}-[0-9]{1,10}$/;

/** Checks a cursor from outside; an empty one is the beginning. */
export function parseCursor(cursor: string): string {
  if (cursor !== "" && !CURSOR.test(cursor))
    throw invalidField("cursor", "must be where the call's output was left, as it came with that");
  return cursor;
}

/** Whose calls a reader may follow. */
export interface Follower {
  readonly caller: CallerName;
  /** Whether it may follow this one, which is another's. */
  mayFollow(head: CallHead): boolean;
}

/**
 * A call's output from a cursor on, then its end; ends early, without a word, when the signal is aborted.
 *
 * A notification only says that there is something: what is sent is what the record and the result stream hold, so every reader
 * receives the same. A call that the reader may not follow is unknown to it. A slow reader is not sent more than it takes. Of a large end only its presence is sent.
 *
 * @throws ToolgateError UNKNOWN_CALL; STORE_UNAVAILABLE, within two seconds of the call's deadline at the latest
 */
export async function* followCall(
  settings: FollowSettings,
  id: CallId,
  from: string,
  reader: ReplyReader,
  follower?: Follower,
): AsyncGenerator<FollowStep, void, void> {
  const { store, notifications, node, lost, readings, clock, monotonicMs } = settings;
  const { signal } = reader;
  let cursor = from;
  let of = follower?.caller;
  let moreBytes = 0;
  let notified = false;
  let wake = (): void => {};
  const overdue = new LastReading();
  const watcher = {
    overdueAtMs: Number.POSITIVE_INFINITY,
    onNotification(notification: CallNotification): void {
      if (notification.kind === "overdue") overdue.begin();
      // Redis answers; the reading may wait for its turn.
      else if (notification.kind === "ended")
        watcher.overdueAtMs = Math.max(watcher.overdueAtMs, monotonicMs() + ASK_AGAIN_MS);
      notified = true;
      wake();
    },
  };
  notifications.watch(id, watcher);
  const onAbort = (): void => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for (let known: CallReading | undefined; !signal.aborted; ) {
      notified = false;
      const asked = { cursor, watcher: node, of };
      const reading = await overdue.orElse(
        moreBytes === 0
          ? readCall(store, id, asked) // what is more than little is read in turns
          : readings.output(id, moreBytes, asked, reader),
      );
      if (reading === undefined) {
        if (known === undefined) throw unknownCall(id);
        const ending = await lost.end({ id, head: known.head.text, attempt: known.attempt });
        known = undefined; // it was admitted anew, or has expired: look once more
        if (ending === undefined) continue;
        yield { kind: "ended", ending };
        return;
      }
      if (of !== undefined && reading.head.caller !== of) {
        if (follower?.mayFollow(reading.head) !== true) throw unknownCall(id);
        of = reading.head.caller; // from now on this node is notified
        continue;
      }
      known = reading;
      // Without a notification by then, Redis is asked; while it is away, the reader hears of that instead of nothing.
      const leftMs = reading.head.deadlineMs - clock.nowMs() + OVERDUE_MS;
      watcher.overdueAtMs = monotonicMs() + Math.max(leftMs, ASK_AGAIN_MS);
      const last = reading.deltas.at(-1);
      if (last !== undefined) {
        cursor = last.cursor;
        yield { kind: "deltas", deltas: reading.deltas };
      }
      moreBytes = reading.moreBytes;
      if (moreBytes > 0) continue;
      if (reading.ending !== undefined) {
        yield { kind: "ended", ending: reading.ending };
        return;
      }
      if (!notified && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    notifications.unwatch(id, watcher);
    overdue.end();
  }
}

/** The time that is left for a reading of a call whose end is long due. */
class LastReading {
  #timer: NodeJS.Timeout | undefined;
  #giveUp: (error: ToolgateError) => void = () => {};

  /** From now on it runs, until a reading comes. */
  begin(): void {
    this.#timer ??= setTimeout(() => this.#giveUp(unreadable()), LAST_READING_MS);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The reading. @throws ToolgateError STORE_UNAVAILABLE when it does not come in time. */
  orElse<T>(reading: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#giveUp = reject;
      reading.then((read) => {
        this.end();
        resolve(read);
      }, reject);
    });
  }
}

/** The error for the waiters of a call whose end is long due. */
export function unreadable(): ToolgateError {
  return new ToolgateError(
    "STORE_UNAVAILABLE",
    "the call's deadline has passed and Redis cannot be asked how it ended; follow it later",
    { executed: "unknown" },
  );
}
