import type { CallLimit, LimitRefusal } from "../store/call-limits/call-limit.js";
import type { BoundLimits } from "./call-limits.js";

/** How long a call waits at most for others of those who are over the same limit, in milliseconds. */
export const MAX_HOLD_MS = 20;
/** The most subjects of limits that are remembered. */
const MAX_REMEMBERED = 10_000;

/** A subject that is over a limit. */
interface Closed {
  readonly limit: CallLimit;
  /** Nothing of it is admitted before, by the node's monotonic clock. */
  opensAtMs: number;
  /** What the calls wait for that are held now. */
  gate: Promise<void> | undefined;
}

/**
 * Gathers the calls of those who are over a limit, so that a caller that goes on calling costs the others little: a script for each
 * call that is refused would take as much of Redis and of the node as one for each that is admitted.
 *
 * A refusal says when its limit lets in another call. A call that comes before then is held for a moment, with all others under this limit, and
 * goes to Redis with them in one script, which decides as it would have then: about repeats of calls that were admitted, too. Nothing is decided
 * here, so what is remembered can be wrong by no more than that moment. What a rate may let in at once is never more than it was: calls are not
 * held for longer than it takes a rate to be as if unused.
 */
export class OverLimit {
  readonly #monotonicMs: () => number;
  readonly #closed = new Map<CallLimit["subject"], Closed>();

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /**
   * What a call is to wait for before it is admitted; nothing where none of its limits is known to refuse it.
   *
   * @param patienceMs how long its caller waits for it: where that is short, it is not held.
   */
  hold({ counted, reserved }: BoundLimits, patienceMs: number): Promise<void> | undefined {
    if (this.#closed.size === 0 || patienceMs < 2 * MAX_HOLD_MS) return undefined;
    const nowMs = this.#monotonicMs();
    let last: Closed | undefined;
    for (const limits of [counted, reserved]) {
      for (const limit of limits) {
        const closed = this.#find(limit, nowMs);
        if (closed !== undefined && (last === undefined || closed.opensAtMs > last.opensAtMs)) last = closed;
      }
    }
    if (last === undefined) return undefined;
    last.gate ??= openLater(last, nowMs);
    return last.gate;
  }

  /**
   * Hears that a limit has refused a call.
   *
   * @param askedAtMs when that was asked, by the node's monotonic clock; the refusal's times are from later than that.
   */
  refused({ limit, retryAfterMs = Number.POSITIVE_INFINITY }: LimitRefusal, askedAtMs: number): void {
    // When an unfinished call ends, nobody knows.
    if (limit.kind === "running") return;
    const opensAtMs = askedAtMs + retryAfterMs;
    const known = this.#find(limit, this.#monotonicMs());
    if (known !== undefined) {
      known.opensAtMs = Math.max(known.opensAtMs, opensAtMs);
      return;
    }
    for (const oldest of this.#closed.size >= MAX_REMEMBERED ? this.#closed.keys() : []) {
      this.#closed.delete(oldest);
      break;
    }
    this.#closed.set(limit.subject, { limit, opensAtMs, gate: undefined });
  }

  /** What is known of a limit's subject. Where its document was changed since, that is nothing. */
  #find({ subject, most, everyUs }: CallLimit, nowMs: number): Closed | undefined {
    const closed = this.#closed.get(subject);
    if (closed === undefined) return undefined;
    const same = closed.limit.most === most && closed.limit.everyUs === everyUs;
    if (same && (closed.gate !== undefined || closed.opensAtMs > nowMs)) return closed;
    this.#closed.delete(subject);
    return undefined;
  }
}

/** Lets calls through that are held from now on: before the limit could have let in more calls than it lets in at once. */
function openLater(closed: Closed, nowMs: number): Promise<void> {
  const { most, everyUs } = closed.limit;
  const ms = Math.min(MAX_HOLD_MS, closed.opensAtMs - nowMs + (Math.max(1, most) - 1) * (everyUs / 1_000));
  return new Promise((resolve) => {
    setTimeout(
      () => {
        closed.gate = undefined;
        resolve();
      },
      Math.max(1, Math.ceil(ms)),
    );
  });
}
