import type { AccessControl } from "../../access/access-control.js";
import { runInSlices, type Steps } from "../../async/steps.js";
import type { OpenCall } from "./call-context.js";
import { notHeld } from "./served-call.js";

/** How often open calls are looked at for credentials that have expired, in milliseconds. */
const EXPIRY_EVERY_MS = 500;
/**
 * Ends the open calls of callers that may not have them any more: at each change of what anybody may do, and when credentials expire.
 * Where no credential is asked for, it looks at nothing.
 *
 *   idle ──change──▶ looking ──all were looked at──▶ idle
 *
 * What a change costs is what it costs to find out all callers anew, so that is done in slices. A change amid of them has all calls looked
 * at once more, after the last one: however fast changes come, each call's turn comes.
 */
export class Rechecks {
  readonly #access: AccessControl;
  readonly #open: ReadonlySet<OpenCall>;
  #forget: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Whether calls are being looked at, and whether something has changed since that began. */
  #state: "idle" | "looking" | "outdated" = "idle";

  /** @param open the open calls; they leave it by themselves as they end */
  constructor(access: AccessControl, open: ReadonlySet<OpenCall>) {
    this.#access = access;
    this.#open = open;
  }

  start(): void {
    this.#forget = this.#access.onChange(() => {
      if (this.#state === "idle") void runInSlices(this.#recheck(), "rechecks");
      else this.#state = "outdated";
    });
    this.#timer = setInterval(() => this.#endExpired(), EXPIRY_EVERY_MS).unref();
  }

  /** Idempotent. */
  stop(): void {
    this.#forget?.();
    this.#forget = undefined;
    clearInterval(this.#timer);
  }

  *#recheck(): Steps<void> {
    do {
      this.#state = "looking";
      // Those that come later come by what holds now.
      for (const call of [...this.#open]) {
        if (this.#forget === undefined || !this.#access.required) break;
        const reason = call.recheck();
        if (reason !== undefined) call.terminate(reason);
        yield;
      }
    } while (this.#hasChanged());
    this.#state = "idle";
  }

  #hasChanged(): boolean {
    return this.#state === "outdated" && this.#forget !== undefined;
  }

  #endExpired(): void {
    if (!this.#access.required) return;
    for (const call of [...this.#open]) if (call.hasExpired()) call.terminate(notHeld());
  }
}
