import type { Principal } from "../identity/principal.js";
import type { CallerAccess } from "./caller-access.js";

/** What a request proves its caller by. Nothing else of a request says who it is. */
export interface Credentials {
  /** The `authorization` header, as it came; undefined where there is none. */
  readonly authorization: string | undefined;
  /** The certificate of the connection's other end, in DER, where the handshake has verified it. */
  readonly certificate: Buffer | undefined;
  /** `host:port` of the connection's other end: for limits on attempts, never for deciding who it is. */
  readonly peer: string;
}

/** A caller that has proved who it is. */
export interface Identity {
  readonly principal: Principal;
  /** The id of the credential, for the audit and for revocations: `key/<id>`, `session/<id>`, `token/<issuer>#<jti>`, `certificate/<fingerprint>`; empty for nobody. */
  readonly credential: string;
  /** When the credential expires, in Unix milliseconds; infinite for never. */
  readonly expiresAtMs: number;
}

/** Who callers are, and what they may do. */
export interface AccessControl {
  /** Whether callers must prove who they are. */
  readonly required: boolean;
  /**
   * Finds out who a caller is. A promise only where that takes an answer from elsewhere.
   *
   * @throws ToolgateError UNAUTHENTICATED, whatever goes wrong; it never says which part of a credential is wrong
   */
  authenticate(credentials: Credentials): Identity | Promise<Identity>;
  /** Whether a credential has not expired. Cheap: it is asked of each open call several times a second. */
  holds(identity: Identity): boolean;
  /**
   * A caller as it is now: the same object where nothing has changed, another one where its roles or attributes have, undefined where its
   * credential does not hold any more.
   */
  current(identity: Identity): Identity | undefined;
  /** What a caller may do as of now. Cheap: compiled once for each set of roles and each revision. */
  accessOf(principal: Principal): CallerAccess;
  /** Calls back after each change of what anybody may do; the result ends that. */
  onChange(listener: () => void): () => void;
}
