import type { AccessControl } from "../../access/access-control.js";
import type { OpenCall } from "./server-call.js";

/** How often open calls are looked at for credentials that have expired, in milliseconds. */
const EXPIRY_EVERY_MS = 500;

/**
 * Ends the open calls of callers that may not have them any more: at each change of what anybody may do, and when credentials expire.
 * Where nobody has to prove who they are, it looks at nothing.
 */
export class Rechecks {
  readonly #access: AccessControl;
  readonly #open: ReadonlySet<OpenCall>;
  #forget: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param open the open calls; they leave it by themselves as they end */
  constructor(access: AccessControl, open: ReadonlySet<OpenCall>) {
    this.#access = access;
    this.#open = open;
  }

  start(): void {
    this.#forget = this.#access.onChange(() => this.#recheck());
    this.#timer = setInterval(() => this.#recheck(), EXPIRY_EVERY_MS).unref();
  }

  /** Idempotent. */
  stop(): void {
    this.#forget?.();
    this.#forget = undefined;
    clearInterval(this.#timer);
  }

  #recheck(): void {
    if (!this.#access.required) return;
    for (const call of [...this.#open]) {
      const reason = call.recheck();
      if (reason !== undefined) call.terminate(reason);
    }
  }
}
