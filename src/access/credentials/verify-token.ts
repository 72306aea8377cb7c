import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { DocumentRef, DocumentsReader, StoredDocument } from "../../documents/document.js";
import type { GuardedFetch } from "../../egress/guarded-fetch.js";
import type { FaultLog } from "../../observe/recurring-faults.js";
import type { RedisClock } from "../../redis/redis-time.js";
import { DocumentIndex } from "./document-index.js";
import { ISSUER, type IssuerSpec } from "./issuer-document.js";
import { IssuerKeys } from "./issuer-keys.js";
import { judgeClaims, type VerifiedToken } from "./judge-claims.js";
import { type Refusal, refused, type Verdict } from "./proof.js";

/** What verifying tokens takes. */
export interface TokenParts {
  readonly documents: DocumentsReader;
  readonly clock: RedisClock;
  readonly fetch: Pick<GuardedFetch, "getJson">;
  readonly monotonicMs: () => number;
  readonly faults: FaultLog;
}

/** The most tokens whose signatures are remembered, and for how long, in milliseconds: then the issuer's keys are asked again. */
const MAX_VERIFIED = 10_000;
const VERIFIED_MS = 600_000;
/** The most issuers that a token is tried with. */
const MAX_CANDIDATES = 4;

/** A token whose signature is right, and the issuer's document by whose keys. */
interface SignedToken extends VerifiedToken {
  readonly issuer: Pick<DocumentRef, "tenant" | "name">;
  readonly source: IssuerKeys;
}

/**
 * Verifies tokens (JWT, RFC 7519) of the issuers that documents name. A signature is looked at once, and remembered by the SHA-256 of the
 * whole token; what the token says is judged each time, by the issuer's document as it is then.
 */
export class TokenVerifier {
  readonly #parts: TokenParts;
  readonly #issuers: DocumentIndex<IssuerSpec>;
  readonly #keys = new Map<string, IssuerKeys>();
  readonly #verified: LRUCache<string, SignedToken>;

  constructor(parts: TokenParts) {
    this.#parts = parts;
    this.#issuers = new DocumentIndex(parts.documents, ISSUER, ({ spec }) => [spec.issuer]);
    this.#verified = new LRUCache({
      max: MAX_VERIFIED,
      ttl: VERIFIED_MS,
      perf: { now: parts.monotonicMs },
    });
  }

  /** Takes a change of the copy over. */
  changed(ref: DocumentRef): void {
    this.#issuers.changed(ref);
    if (ref.kind !== ISSUER.kind) return;
    const document = this.#parts.documents.get(ISSUER, ref.tenant, ref.name);
    const keys = this.#keys.get(placeOf(ref));
    if (keys !== undefined && (document === undefined || !keys.isFrom(document.spec))) this.#keys.delete(placeOf(ref));
  }

  /** By what a token is remembered. */
  digestOf(token: string): string {
    return createHash("sha256").update(token).digest("base64url");
  }

  /** Says whom a token stands for, by the documents as they are when it is asked; undefined where its signature must be looked at first. */
  known(digest: string): (() => Verdict) | undefined {
    const signed = this.#verified.get(digest);
    return signed === undefined ? undefined : () => this.#judge(signed);
  }

  /**
   * Looks at a token's signature, and asks its issuer for keys where it must. Never rejects.
   *
   * @returns what `known` answers from now on, or why it is none that is believed
   */
  async verify(token: string, digest: string): Promise<(() => Verdict) | Refusal> {
    // Loaded when the first token comes: most nodes see none.
    const { decodeJwt } = await import("jose");
    let claims: { readonly iss?: unknown };
    try {
      claims = decodeJwt(token);
    } catch {
      return refused("malformed");
    }
    const issuers = typeof claims.iss === "string" ? [...this.#issuers.withWord(claims.iss)] : [];
    // Before anything is asked for: most of what is not for us ends here.
    const candidates = issuers.filter(({ spec }) => isForOneOf(claims, spec.audiences));
    const [issuer] = candidates;
    if (issuer === undefined || candidates.length > MAX_CANDIDATES) return refused("untrusted");
    // Two tenants that trust the same issuer for the same audience: the token may be meant for either.
    if (candidates.length > 1) return refused("ambiguous");
    const signed = await this.#verifySignature(issuer, token, digest);
    if (signed === undefined) return refused("untrusted");
    this.#verified.set(digest, signed);
    return () => this.#judge(signed);
  }

  async #verifySignature(
    issuer: StoredDocument<IssuerSpec>,
    token: string,
    digest: string,
  ): Promise<SignedToken | undefined> {
    const { ref, spec } = issuer;
    const source = this.#keysOf(issuer);
    const { jwtVerify } = await import("jose");
    try {
      const { payload, protectedHeader } = await jwtVerify(token, source.keyOf, {
        algorithms: [...spec.algorithms],
        issuer: spec.issuer,
        audience: [...spec.audiences],
        clockTolerance: spec.clockSkewMs / 1_000,
        requiredClaims: ["exp"],
        currentDate: new Date(this.#parts.clock.nowMs()),
      });
      return { header: protectedHeader, claims: payload, digest, issuer: ref, source };
    } catch {
      return undefined; // whatever it was, nobody who is trusted has signed it
    }
  }

  /** By the documents as they are now; a token of an issuer that has moved is verified anew. */
  #judge(signed: SignedToken): Verdict {
    const { tenant, name } = signed.issuer;
    const issuer = this.#parts.documents.get(ISSUER, tenant, name);
    if (issuer === undefined || !signed.source.isFrom(issuer.spec)) {
      this.#verified.delete(signed.digest);
      return refused("untrusted");
    }
    return judgeClaims(issuer, signed);
  }

  #keysOf({ ref, spec }: StoredDocument<IssuerSpec>): IssuerKeys {
    const place = placeOf(ref);
    const known = this.#keys.get(place);
    if (known?.isFrom(spec)) return known;
    const made = new IssuerKeys(spec, this.#parts);
    this.#keys.set(place, made);
    return made;
  }
}

const placeOf = ({ tenant, name }: Pick<DocumentRef, "tenant" | "name">): string => `${tenant}/${name}`;

function isForOneOf(claims: object, audiences: readonly string[]): boolean {
  const { aud } = claims as { readonly aud?: unknown }; // unverified, and of any type
  const named = Array.isArray(aud) ? aud : [aud];
  return named.some((one) => typeof one === "string" && audiences.includes(one));
}
