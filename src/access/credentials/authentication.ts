import { LRUCache } from "lru-cache";
import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import type { GuardedFetch } from "../../egress/guarded-fetch.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import type { TenantName } from "../../identity/tenant.js";
import type { Logger } from "../../observe/logger.js";
import type { FaultLog } from "../../observe/recurring-faults.js";
import type { RedisClock } from "../../redis/redis-time.js";
import type { AccessControl, Credentials, Identity } from "../access-control.js";
import { TENANT } from "../policy/tenant-document.js";
import { CERTIFICATE } from "./certificate-document.js";
import { DenyList } from "./deny-list.js";
import { ISSUER } from "./issuer-document.js";
import { KEY } from "./key-document.js";
import { type Fault, type Proof, type Refusal, refused, samePrincipal, type Verdict } from "./proof.js";
import { REVOCATION } from "./revocation-document.js";
import { looksLikeSecretToken, readSecretToken } from "./secret-token.js";
import { SESSION } from "./session-document.js";
import { USER } from "./user-document.js";
import { CertificateVerifier } from "./verify-certificate.js";
import { SecretVerifier } from "./verify-secret.js";
import { TokenVerifier } from "./verify-token.js";

/**
 * Finds out who callers are: by an API key, a session token or an issuer's token in the `authorization` header, or else by the
 * connection's client certificate. A header that is there decides, and must hold.
 *
 * Whatever goes wrong is a refusal, and its text does not say what went wrong; a line at debug level does.
 */
export interface Authentication extends Pick<AccessControl, "authenticate" | "holds"> {
  /**
   * A caller as it is now: the identity itself where nothing has changed, another one where its roles or attributes have, nothing where its
   * credential does not hold any more. Knows the identities that this has made itself, by the very object.
   */
  current(identity: Identity): Identity | undefined;
  /** Calls back after each change of the documents that can change whom a credential stands for; the result ends that. */
  onChange(listener: () => void): () => void;
  /** Ends following the documents. Idempotent. */
  stop(): void;
}

/** What an authentication consists of. */
export interface AuthenticationParts {
  readonly documents: DocumentsReader;
  /** Whether a tenant exists, and is not disabled; the default one always does. */
  readonly tenantHolds: (tenant: TenantName) => boolean;
  readonly clock: RedisClock;
  readonly log: Logger;
  readonly faults: FaultLog;
  /** Fetches issuers' keys. */
  readonly fetch: Pick<GuardedFetch, "getJson">;
  /** A local clock that never goes back, in milliseconds. */
  readonly monotonicMs: () => number;
  /** Is told of each key that was used, at most once in a minute. */
  readonly onKeyUsed?: (keyId: string) => void;
}

/** The longest `authorization` header that is looked at, in characters. */
export const MAX_AUTHORIZATION = 8_192;
/** The most callers that are remembered. */
const MAX_REMEMBERED = 10_000;
/** How long they are, in milliseconds: then an issuer's keys count again as they are by then. */
const REMEMBERED_MS = 600_000;
/** How exactly the last use of a key is known, in milliseconds. */
const USE_EVERY_MS = 60_000;
/** A change of these kinds can change whom a credential stands for. */
const KINDS: ReadonlySet<string> = new Set(
  [KEY, SESSION, USER, ISSUER, CERTIFICATE, REVOCATION, TENANT].map(({ kind }) => kind),
);
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const BEARER = /^bearer +([\x21-\x7e]+)$/i;

/**
 * The callers that are remembered: by their headers, or by the digests of their tokens or certificates. Each apart, since digests are no
 * secret: a header that has one proves no caller.
 */
type Memory = LRUCache<string, Remembered>;

/** A caller that is remembered. */
interface Remembered {
  readonly identity: Identity;
  readonly verifiedAtMs: number;
  usedAtMs: number;
}

/** @throws nothing; see `AccessControl.authenticate` for what its function does */
export function createAuthentication(parts: AuthenticationParts): Authentication {
  const { documents, clock, log } = parts;
  const secrets = new SecretVerifier(documents);
  const tokens = new TokenVerifier(parts);
  const certificates = new CertificateVerifier(documents);
  const denied = new DenyList(documents);
  const byHeader: Memory = new LRUCache({ max: MAX_REMEMBERED });
  const byDigest: Memory = new LRUCache({ max: MAX_REMEMBERED });
  /** How each identity is verified again. */
  const verifications = new WeakMap<Identity, () => Verdict>();

  const listeners = new Set<() => void>();

  const stopFollowing = documents.onChange((changed) => {
    for (const ref of changed) takeOver(ref);
    if (!changed.some(({ kind }) => KINDS.has(kind))) return;
    byHeader.clear();
    byDigest.clear();
    for (const listener of listeners) listener();
  });

  function takeOver(ref: DocumentRef): void {
    secrets.changed(ref);
    tokens.changed(ref);
    denied.changed(ref);
  }

  function authenticate({ authorization, certificate }: Credentials): Identity | Promise<Identity> {
    try {
      if (authorization !== undefined) {
        if (authorization.length > MAX_AUTHORIZATION) throw refusal(refused("malformed"));
        return rememberedCaller(byHeader, authorization) ?? verifyHeader(authorization);
      }
      if (certificate !== undefined) return verifyCertificate(certificate);
      throw new ToolgateError("UNAUTHENTICATED", NO_CREDENTIAL);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  function asRefusal(error: unknown): ToolgateError {
    if (error instanceof ToolgateError && error.reason === "UNAUTHENTICATED") return error;
    log.debug({ event: "authentication_failed", fault: "failed" satisfies Fault, error });
    return new ToolgateError("UNAUTHENTICATED", DOES_NOT_HOLD);
  }

  function rememberedCaller(memory: Memory, place: string): Identity | undefined {
    const found = memory.get(place);
    if (found === undefined) return undefined;
    const nowMs = clock.nowMs();
    if (found.identity.expiresAtMs <= nowMs || nowMs - found.verifiedAtMs >= REMEMBERED_MS) return undefined;
    if (nowMs - found.usedAtMs >= USE_EVERY_MS) noteUse(found, nowMs);
    return found.identity;
  }

  function verifyHeader(authorization: string): Identity | Promise<Identity> {
    const text = BEARER.exec(authorization)?.[1];
    if (text === undefined) throw refusal(refused("malformed"));
    if (!looksLikeSecretToken(text)) return verifyToken(text);
    const token = readSecretToken(text);
    if (token === undefined) throw refusal(refused("malformed"));
    return remember(byHeader, authorization, () => secrets.verify(token));
  }

  /** A token's signature costs half a millisecond: what is known of it is told without a promise. */
  function verifyToken(text: string): Identity | Promise<Identity> {
    if (!JWT.test(text)) throw refusal(refused("malformed"));
    const digest = tokens.digestOf(text);
    const caller = rememberedCaller(byDigest, digest);
    if (caller !== undefined) return caller;
    const look = tokens.known(digest);
    return look === undefined ? verifySignature(text, digest) : remember(byDigest, digest, look);
  }

  async function verifySignature(text: string, digest: string): Promise<Identity> {
    try {
      const look = await tokens.verify(text, digest);
      if (typeof look !== "function") throw refusal(look);
      // By the documents as they are now, and not as they were when the issuer was asked.
      return remember(byDigest, digest, look);
    } catch (error) {
      throw asRefusal(error);
    }
  }

  function verifyCertificate(der: Buffer): Identity {
    const fingerprint = certificates.fingerprintOf(der);
    const verify = () => certificates.verify(der, clock.nowMs());
    return rememberedCaller(byDigest, fingerprint) ?? remember(byDigest, fingerprint, verify);
  }

  /** @throws ToolgateError UNAUTHENTICATED where the credential does not hold */
  function remember(memory: Memory, place: string, look: () => Verdict): Identity {
    const verify = (): Verdict => judge(look());
    const verdict = verify();
    if (verdict.kind === "refused") throw refusal(verdict);
    const nowMs = clock.nowMs();
    const entry = { identity: identityOf(verdict.proof, verify), verifiedAtMs: nowMs, usedAtMs: 0 };
    noteUse(entry, nowMs);
    memory.set(place, entry);
    return entry.identity;
  }

  /** What is asked of every credential, whatever it is. */
  function judge(verdict: Verdict): Verdict {
    if (verdict.kind === "refused") return verdict;
    const { principal, credential, expiresAtMs } = verdict.proof;
    const nowMs = clock.nowMs();
    if (expiresAtMs <= nowMs) return refused("expired", credential);
    if (!parts.tenantHolds(principal.tenant)) return refused("disabled", credential);
    if (denied.revokes(verdict.proof, nowMs)) return refused("revoked", credential);
    return verdict;
  }

  function identityOf({ principal, credential, expiresAtMs }: Proof, verify: () => Verdict): Identity {
    const identity: Identity = Object.freeze({ principal: Object.freeze(principal), credential, expiresAtMs });
    verifications.set(identity, verify);
    return identity;
  }

  function current(identity: Identity): Identity | undefined {
    const verify = verifications.get(identity);
    if (verify === undefined) return undefined;
    try {
      const verdict = verify();
      if (verdict.kind === "refused") return undefined;
      const { proof } = verdict;
      const same = samePrincipal(identity.principal, proof.principal) && identity.expiresAtMs === proof.expiresAtMs;
      return same ? identity : identityOf(proof, verify);
    } catch (error) {
      log.debug({ event: "authentication_failed", fault: "failed" satisfies Fault, error });
      return undefined;
    }
  }

  function noteUse(entry: Remembered, nowMs: number): void {
    entry.usedAtMs = nowMs;
    const { credential } = entry.identity;
    if (credential.startsWith("key/")) parts.onKeyUsed?.(credential.slice("key/".length));
  }

  function refusal({ fault, credential }: Refusal): ToolgateError {
    log.debug({ event: "authentication_failed", fault, ...(credential === undefined ? {} : { credential }) });
    return new ToolgateError("UNAUTHENTICATED", DOES_NOT_HOLD);
  }

  return {
    authenticate,
    current,
    holds: (identity) => current(identity) === identity,
    onChange: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    stop: stopFollowing,
  };
}

const NO_CREDENTIAL = "The request has no credential: send a key or a token in its authorization header.";
const DOES_NOT_HOLD = "The request's credential does not hold: it is wrong, expired or revoked.";
