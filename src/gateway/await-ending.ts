import type { ToolgateError } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import type { RedisClock } from "../redis/redis-time.js";
import type { CallNotification, CallNotifications, Watcher } from "../store/calls/call-notifications.js";
import type { CallHead, SaidEnding } from "../store/calls/call-record.js";
import type { LostCalls } from "../store/calls/lost-calls.js";
import { OVERDUE_MS, unreadable } from "./follow-call.js";

export interface AwaitSettings {
  readonly notifications: CallNotifications;
  readonly lost: Pick<LostCalls, "end">;
  readonly clock: RedisClock;
  readonly monotonicMs: () => number;
}

/** A waiter for a call's end; it is called once. */
export interface Waiter {
  /** The call has ended. A large end is to be read by the waiter. */
  ended(ending: SaidEnding): void;
  /** The end cannot be learnt now. */
  lost(error: ToolgateError): void;
}

/**
 * Waits for a call's end. The watch begins before the call is admitted, so that no notification is missed, and counts only once
 * `admitted` was called: until then the record is not there.
 */
export class EndingWatch implements Watcher {
  overdueAtMs = Number.POSITIVE_INFINITY;
  readonly #settings: AwaitSettings;
  readonly #id: CallId;
  readonly #waiter: Waiter;
  #admitted: CallHead | undefined;
  #early: SaidEnding | undefined;
  #done = false;

  constructor(settings: AwaitSettings, id: CallId, waiter: Waiter) {
    this.#settings = settings;
    this.#id = id;
    this.#waiter = waiter;
    settings.notifications.watch(id, this);
  }

  onNotification(notification: CallNotification): void {
    switch (notification.kind) {
      case "output":
        return;
      case "ended":
        // Before it is admitted, it may be the end of another request's call under the same ids.
        if (this.#admitted !== undefined) this.#end(notification.ending);
        else this.#early = notification.ending;
        return;
      case "gone":
        if (this.#admitted !== undefined) this.#missed(this.#admitted);
        return;
      case "overdue":
        this.#lose();
        return;
      default:
        notification satisfies never;
    }
  }

  /** The call is admitted; it may have ended already. */
  admitted(head: CallHead, ending: SaidEnding | undefined): void {
    this.#admitted = head;
    const known = ending ?? this.#early;
    if (known !== undefined) {
      this.#end(known);
      return;
    }
    const remainingMs = head.deadlineMs - this.#settings.clock.nowMs();
    this.overdueAtMs = this.#settings.monotonicMs() + remainingMs + OVERDUE_MS;
  }

  stop(): void {
    if (this.#done) return;
    this.#done = true;
    this.#settings.notifications.unwatch(this.#id, this);
  }

  /** Redis has lost the call. While it cannot say so, the next lookup tries again. */
  #missed(head: CallHead): void {
    this.#settings.lost.end({ id: this.#id, head: head.text, attempt: 0 }).then(
      (ending) => {
        if (ending !== undefined) this.#end(ending);
      },
      () => {},
    );
  }

  #end(ending: SaidEnding): void {
    if (this.#done) return;
    this.stop();
    this.#waiter.ended(ending);
  }

  #lose(): void {
    if (this.#done) return;
    this.stop();
    this.#waiter.lost(unreadable());
  }
}
