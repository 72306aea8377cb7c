import type { AccessControl } from "../../access/access-control.js";
import type { OpenCall } from "./call-context.js";
import { notHeld } from "./served-call.js";

/** How often open calls are looked at for credentials that have expired, in milliseconds. */
const EXPIRY_EVERY_MS = 500;
/** How many open calls are looked at in one turn of the event loop: each takes some microseconds. */
const CALLS_PER_TURN = 500;

/**
 * Ends the open calls of callers that may not have them any more: at each change of what anybody may do, and when credentials expire.
 * Where nobody has to prove who they are, it looks at nothing.
 */
export class Rechecks {
  readonly #access: AccessControl;
  readonly #open: ReadonlySet<OpenCall>;
  #forget: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The calls that are to be looked at since the last change. A change amid of them begins anew. */
  #pending: Iterator<OpenCall> | undefined;
  #turn: NodeJS.Immediate | undefined;

  /** @param open the open calls; they leave it by themselves as they end */
  constructor(access: AccessControl, open: ReadonlySet<OpenCall>) {
    this.#access = access;
    this.#open = open;
  }

  start(): void {
    this.#forget = this.#access.onChange(() => {
      this.#pending = [...this.#open].values(); // those that come later come by what holds now
      clearImmediate(this.#turn);
      this.#recheck();
    });
    this.#timer = setInterval(() => this.#endExpired(), EXPIRY_EVERY_MS).unref();
  }

  /** Idempotent. */
  stop(): void {
    this.#forget?.();
    this.#forget = undefined;
    this.#pending = undefined;
    clearInterval(this.#timer);
    clearImmediate(this.#turn);
  }

  #recheck(): void {
    if (!this.#access.required) return;
    for (let looked = 0; looked < CALLS_PER_TURN; looked++) {
      const call = this.#pending?.next().value;
      if (call === undefined) return;
      const reason = call.recheck();
      if (reason !== undefined) call.terminate(reason);
    }
    this.#turn = setImmediate(() => this.#recheck());
  }

  #endExpired(): void {
    if (!this.#access.required) return;
    for (const call of [...this.#open]) if (call.hasExpired()) call.terminate(notHeld());
  }
}
