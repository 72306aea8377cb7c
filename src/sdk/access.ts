import type { RequestOptions } from "./request-options.js";

/** How a caller has proved who it is; `anonymous` where the registry does not ask. */
export type CallerKind = "key" | "user" | "token" | "certificate" | "anonymous";

/** A caller, as the registry knows it. */
export interface Caller {
  readonly tenant: string;
  /** Its id within the tenant. */
  readonly id: string;
  readonly kind: CallerKind;
  readonly roles: readonly string[];
  /** When its credential ends, by Redis's clock; absent for never. */
  readonly expiresAt?: Date;
}

export interface LoginOptions extends RequestOptions {
  /** The default one when absent. */
  readonly tenant?: string;
  readonly user: string;
  readonly password: string;
}

/** A person's session. */
export interface LoginSession {
  /** Sent as a key is. It is shown once. */
  readonly token: string;
  /** By Redis's clock. */
  readonly expiresAt: Date;
}

/** Whose keys: a principal of a tenant. */
export interface KeyOwner extends RequestOptions {
  /** The caller's own when absent. */
  readonly tenant?: string;
  /** Letters, digits, dots, underscores and dashes, at most 128. */
  readonly principal: string;
  /** Why, for the history; at most 512 characters. */
  readonly reason?: string;
}

export interface CreateKeyOptions extends KeyOwner {
  /** Its roles; each must exist. */
  readonly roles: readonly string[];
  /** How long the key holds, in milliseconds; for ever when absent. */
  readonly ttlMs?: number;
}

export interface RotateKeyOptions extends KeyOwner {
  /** How long the former keys still hold, in milliseconds, at most 30 days; they end at once when absent. */
  readonly overlapMs?: number;
  /** How long the new key holds, in milliseconds; for ever when absent. */
  readonly ttlMs?: number;
}

export interface RevokeKeyOptions extends Omit<KeyOwner, "principal"> {
  /** May be absent where a key is named. */
  readonly principal?: string;
  /** One key; all of the principal's when absent. */
  readonly keyId?: string;
}

/** A key that was made. */
export interface CreatedKey {
  /** The key itself, which is stored nowhere: it is shown once. */
  readonly key: string;
  /** Its id, by which lists, logs and the audit name it. */
  readonly keyId: string;
  /** By Redis's clock; absent for never. */
  readonly expiresAt?: Date;
}

/** A key that takes the place of others. */
export interface RotatedKey extends CreatedKey {
  /** When the former keys end, by Redis's clock. */
  readonly formerUntil: Date;
}

export interface ListKeysOptions extends RequestOptions {
  /** The caller's own when absent. */
  readonly tenant?: string;
}

/** One key of a principal, without its secret. */
export interface HeldKey {
  readonly keyId: string;
  /** By Redis's clock. */
  readonly createdAt: Date;
  /** By Redis's clock; absent for never. */
  readonly expiresAt?: Date;
  /** When it was used last, to the minute, by Redis's clock; absent where no use is known. */
  readonly lastUsedAt?: Date;
}

/** A principal that has keys, or had some. */
export interface KeyHolder {
  readonly principal: string;
  readonly roles: readonly string[];
  /** None of its keys holds. */
  readonly disabled: boolean;
  /** The oldest first. */
  readonly keys: readonly HeldKey[];
}

export interface SetPasswordOptions extends RequestOptions {
  /** The caller's own when absent. */
  readonly tenant?: string;
  readonly user: string;
  /** 12 to 256 characters. */
  readonly password: string;
  /** The person's roles; kept when absent. */
  readonly roles?: readonly string[];
  /** Why, for the history; at most 512 characters. */
  readonly reason?: string;
}

export interface ExplainOptions extends RequestOptions {
  /** For whom, as an id of the caller's tenant or as `tenant/id`; the caller itself when absent. Others need the verb `administer`. */
  readonly principal?: string;
  /** Roles to ask for instead of the principal's. */
  readonly roles?: readonly string[];
  /** The arguments, as a call's payload; what depends on them is left out when absent. */
  readonly payload?: unknown;
}

/** One thing that a call has to pass. */
export interface ExplainedGate {
  /** `policy`, `contract`, `arguments`, `limits`, `health` or `backlog`; later versions may have more. */
  readonly gate: string;
  /** Left out is what comes after a failure, or has nothing to judge. */
  readonly verdict: "passed" | "failed" | "skipped";
  /** Why, in a sentence. */
  readonly detail: string;
  /** What mends it, such as a command; empty where there is nothing. */
  readonly remedy: string;
  /** The error that the call would get; empty where it would get none. */
  readonly reason: string;
}

/** What would become of a call. */
export interface Explanation {
  /** In the order in which a call passes them. */
  readonly gates: readonly ExplainedGate[];
  /**
   * `ready`; `retry`: it may pass later, by itself; `operator`: somebody has to change something; `unknown`: what was asked about does not
   * exist, or may not be seen.
   */
  readonly outcome: "ready" | "retry" | "operator" | "unknown";
}

/** Keys, logins and decisions. Most of it needs the verb `administer`; roles, users and the like are documents. */
export interface Access {
  /** Who the caller is. @throws ToolgateError UNAUTHENTICATED */
  whoAmI(options?: RequestOptions): Promise<Caller>;
  /** Opens a short session for a person. @throws ToolgateError UNAUTHENTICATED, TOO_MANY_ATTEMPTS */
  login(options: LoginOptions): Promise<LoginSession>;
  /** Ends the session that the client's own credential is the token of. */
  logout(options?: RequestOptions): Promise<void>;
  /** Makes a key for a principal, which is made too where there is none. */
  createKey(options: CreateKeyOptions): Promise<CreatedKey>;
  /** Makes another key for a principal; the former ones hold for `overlapMs` yet. */
  rotateKey(options: RotateKeyOptions): Promise<RotatedKey>;
  /** Ends keys, on every node and on open streams, within a second; resolves to how many. */
  revokeKey(options: RevokeKeyOptions): Promise<number>;
  /** The principals of a tenant that have keys, by name, page by page as they are read, and when each key was used last. */
  listKeys(options?: ListKeysOptions): AsyncIterable<KeyHolder>;
  /** Sets a person's password, and makes the person where there is none. */
  setPassword(options: SetPasswordOptions): Promise<void>;
  /** Says whether a call would be admitted, and if not, at which gate it fails and what mends that. Nothing is called. */
  explain(toolset: string, tool: string, options?: ExplainOptions): Promise<Explanation>;
}
