import type { Principal } from "../identity/principal.js";
import type { Logger } from "../observe/logger.js";
import type { AccessControl, Credentials, Identity } from "./access-control.js";
import type { CallerAccess } from "./caller-access.js";
import { readSecretToken } from "./credentials/secret-token.js";
import { NOBODY } from "./nobody.js";
import { ANONYMOUS_IDENTITY, OPEN_ACCESS } from "./open-access.js";

export interface RegistryAccessOptions {
  /** Whether callers must prove who they are: the setting `auth`. */
  readonly mode: "auto" | "required" | "none";
  /** The node makes an administrator by itself, so it is never open under `auto`. */
  readonly bootstraps: boolean;
  /** Whether others than this machine can reach the node. */
  readonly exposed: boolean;
  readonly authentication: Pick<AccessControl, "authenticate" | "current">;
  readonly policy: Pick<AccessControl, "accessOf">;
  /** Whether the registry has any credential: a key, a person, an issuer or a rule for certificates. */
  readonly hasCredentials: () => boolean;
  /** Calls back after each change of a document, once `authentication` and `policy` know it. */
  readonly onDocuments: (listener: () => void) => () => void;
  /** Has the documents contain every change that was made before the call. */
  readonly refresh: () => Promise<void>;
  /** The time by Redis's clock, in Unix milliseconds. */
  readonly nowMs: () => number;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** How often the documents are read for keys that are not known, in milliseconds at least: strangers can make up any number of them. */
const REFRESH_EVERY_MS = 200;
const BEARER = /^bearer +(tg_[\w]+)$/i;

/**
 * Who may come in to a registry.
 *
 *   open ──its first credential──▶ closed
 *
 * Under `required` it is closed from the beginning, and under `none` open for good. What is closed does not open again while the node runs,
 * whatever becomes of its documents: a registry that lost them must not let everybody in.
 */
export class RegistryAccess implements AccessControl {
  readonly #options: RegistryAccessOptions;
  readonly #listeners = new Set<() => void>();
  #state: "open" | "closed";
  #forget: (() => void) | undefined;
  /** The reading that begins next. */
  #refresh: Promise<void> | undefined;
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RegistryAccessOptions) {
    this.#options = options;
    this.#state = options.mode === "required" || (options.mode === "auto" && options.bootstraps) ? "closed" : "open";
  }

  /** Follows the documents, which have to be known by now; says it where the registry is open. */
  start(): void {
    const { log, mode, exposed, onDocuments } = this.#options;
    this.#forget = onDocuments(() => {
      this.#closeIfDue();
      for (const listener of [...this.#listeners]) listener();
    });
    this.#closeIfDue();
    if (this.#state === "closed") return;
    if (exposed) log.warn({ event: "access_open", auth: mode, exposed });
    else log.info({ event: "access_open", auth: mode, exposed });
  }

  /** Idempotent. */
  stop(): void {
    this.#forget?.();
    this.#forget = undefined;
    this.#listeners.clear();
  }

  #closeIfDue(): void {
    const { mode, hasCredentials, log } = this.#options;
    if (this.#state === "closed" || mode !== "auto" || !hasCredentials()) return;
    this.#state = "closed";
    log.info({ event: "access_closed" });
  }

  get required(): boolean {
    return this.#state === "closed";
  }

  authenticate(credentials: Credentials): Identity | Promise<Identity> {
    if (this.#state === "open") return ANONYMOUS_IDENTITY;
    const { authentication } = this.#options;
    try {
      return authentication.authenticate(credentials);
    } catch (error) {
      // A key is used at once after it was made, also through a node that has not heard of it yet.
      if (!isWellFormedKey(credentials.authorization)) throw error;
      return this.#refreshed().then(() => authentication.authenticate(credentials));
    }
  }

  /** Resolves when the documents were read since, or cannot be. All that ask meanwhile share one reading. */
  #refreshed(): Promise<void> {
    this.#refresh ??= this.#readSoon();
    return this.#refresh;
  }

  async #readSoon(): Promise<void> {
    const waitMs = this.#readAtMs + REFRESH_EVERY_MS - performance.now();
    if (waitMs > 0) await new Promise<void>((resolve) => setTimeout(resolve, waitMs).unref());
    this.#readAtMs = performance.now();
    this.#refresh = undefined; // who asks from here on has to be sure of a later reading
    await this.#options.refresh().catch(() => {});
  }

  holds(identity: Identity): boolean {
    if (identity === ANONYMOUS_IDENTITY) return this.#state === "open";
    return identity.expiresAtMs === Number.POSITIVE_INFINITY || identity.expiresAtMs > this.#options.nowMs();
  }

  current(identity: Identity): Identity | undefined {
    if (identity === ANONYMOUS_IDENTITY) return this.#state === "open" ? identity : undefined;
    return this.#options.authentication.current(identity);
  }

  accessOf(principal: Principal): CallerAccess {
    if (this.#state === "open") return OPEN_ACCESS;
    // Somebody from the time when the registry was open: the roles of `anonymous` are those of everybody then.
    return this.#options.policy.accessOf(principal.kind === "anonymous" ? NOBODY.principal : principal);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** Whether a header has a key or a session token of the right form; most that are made up have not. */
function isWellFormedKey(authorization: string | undefined): boolean {
  const [, token] = BEARER.exec(authorization ?? "") ?? [];
  return token !== undefined && readSecretToken(token) !== undefined;
}
