import type { StoredDocument } from "../../documents/document.js";
import type { Principal } from "../../identity/principal.js";
import { isTenantName, type TenantName } from "../../identity/tenant.js";
import { type IssuerSpec, plainType } from "./issuer-document.js";
import { MAX_ROLES } from "./principal-members.js";
import { type Proof, refused, type Verdict } from "./proof.js";

/** What a token says, once its signature has been verified. */
export interface VerifiedToken {
  readonly header: { readonly alg?: unknown; readonly typ?: unknown };
  readonly claims: Readonly<Record<string, unknown>>;
  /** What stands for a `jti` where the token has none: a digest of it. */
  readonly digest: string;
}

/** What a principal's id from a token may be: anything that can be printed. */
const ID = /^[^\p{C}\p{Zl}\p{Zp}]{1,256}$/u;
const MAX_CLAIMED = 1_000;

/**
 * Decides whom a token stands for, by an issuer's document as it is now. What is missing, null, empty or of another type than it must be
 * is a refusal, or gives no roles; it never gives more than what is there.
 *
 * A principal's id begins with the name of the issuer's document: a `sub` is the issuer's own word, and must not meet the name of
 * somebody who has a key, or of another issuer's user.
 */
export function judgeClaims({ ref, spec }: StoredDocument<IssuerSpec>, token: VerifiedToken): Verdict {
  const { header, claims, digest } = token;
  if (!isOneOf(header.alg, spec.algorithms)) return refused("untrusted");
  const type = header.typ === undefined ? "jwt" : header.typ;
  if (typeof type !== "string" || !spec.types.includes(plainType(type))) return refused("untrusted");
  if (claims.iss !== spec.issuer || !isFor(claims.aud, spec.audiences)) return refused("untrusted");
  const { exp, nbf } = claims as { readonly exp?: unknown; readonly nbf?: unknown };
  if (typeof exp !== "number" || !Number.isFinite(exp)) return refused("untrusted");
  if (nbf !== undefined && typeof nbf !== "number") return refused("untrusted");
  const id = claimOf(claims, spec.claims.id);
  if (typeof id !== "string" || !ID.test(id)) return refused("untrusted");
  const tenant = tenantOf(spec, claims, ref.tenant);
  if (tenant === undefined) return refused("untrusted");
  const principal: Principal = {
    tenant,
    id: `${ref.name}:${id}`,
    kind: "token",
    roles: rolesOf(spec, claims),
    attributes: Object.freeze({ issuer: spec.issuer }),
  };
  const jti = typeof claims.jti === "string" && ID.test(claims.jti) ? claims.jti : digest;
  const proof: Proof = {
    principal,
    credential: `token/${spec.issuer}#${jti}`,
    expiresAtMs: exp * 1_000 + spec.clockSkewMs,
  };
  return { kind: "proof", proof };
}

function tenantOf(
  { claims: names }: IssuerSpec,
  claims: VerifiedToken["claims"],
  own: TenantName,
): TenantName | undefined {
  if (names.tenant === undefined) return own;
  const tenant = claimOf(claims, names.tenant);
  return typeof tenant === "string" && isTenantName(tenant) ? tenant : undefined;
}

function rolesOf(spec: IssuerSpec, claims: VerifiedToken["claims"]): readonly string[] {
  const claimed = spec.claims.roles === undefined ? undefined : claimOf(claims, spec.claims.roles);
  const mapped = textsOf(claimed).flatMap((value) => spec.roles.get(value) ?? []);
  return Object.freeze([...new Set([...spec.defaultRoles, ...mapped])].slice(0, MAX_ROLES));
}

/** A list of texts, or a text with spaces as `scope` is; of anything else, nothing. */
function textsOf(claimed: unknown): readonly string[] {
  if (typeof claimed === "string") return claimed.slice(0, 8_192).split(" ");
  if (!Array.isArray(claimed) || claimed.length > MAX_CLAIMED) return [];
  return claimed.every((value) => typeof value === "string") ? claimed : [];
}

/** A claim by its name; one that begins with a slash is a JSON pointer, as in `/realm_access/roles`. */
function claimOf(claims: VerifiedToken["claims"], name: string): unknown {
  if (!name.startsWith("/")) return Object.hasOwn(claims, name) ? claims[name] : undefined;
  let found: unknown = claims;
  for (const step of name.slice(1).split("/")) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key]; // an object with this member
  }
  return found;
}

function isFor(audience: unknown, audiences: readonly string[]): boolean {
  const named = typeof audience === "string" ? [audience] : audience;
  return Array.isArray(named) && named.some((one) => typeof one === "string" && audiences.includes(one));
}

function isOneOf<Word extends string>(value: unknown, words: readonly Word[]): value is Word {
  return words.some((word) => word === value);
}
