import type { DocumentsReader, StoredDocument } from "../../documents/document.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { invalidField } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import type { RedisClock } from "../../redis/redis-time.js";
import { type Authorship, type CredentialDocuments, changeDocument } from "./credential-documents.js";
import { KEY, type KeySpec, MAX_KEYS, type StoredKey } from "./key-document.js";
import { PRINCIPAL_ID } from "./principal-members.js";
import { makeSecretToken } from "./secret-token.js";

/** What the use cases of API keys work with. */
export interface ApiKeyParts {
  readonly documents: CredentialDocuments;
  /** The node's copy, to find a key by its id. */
  readonly copy: DocumentsReader;
  readonly clock: RedisClock;
  readonly randomBytes: (size: number) => Buffer;
  /** Whether principals of a tenant can have a role. */
  readonly roleExists: (tenant: TenantName, role: string) => boolean;
}

/** A key that was made. Its text is shown to whoever asked for it, and kept nowhere. */
export interface NewKey {
  readonly text: string;
  readonly id: string;
  /** In Unix milliseconds by Redis's clock; 0 for never. */
  readonly expiresAtMs: number;
}

/** The longest that former keys hold beside a new one, in milliseconds: 30 days. */
export const MAX_OVERLAP_MS = 30 * 86_400_000;
/** The longest that a key with an end holds, in milliseconds: ten years. */
const MAX_TTL_MS = 3_650 * 86_400_000;

/**
 * Makes a key for a principal, which is made too where there is none.
 *
 * @param request `roles`: the principal's from now on; none keeps those that it has. `ttlMs`: how long the key holds, 0 for ever.
 * @throws ToolgateError INVALID_REQUEST: a bad name, no roles for a new principal, a role that does not exist, too many keys
 */
export async function createKey(
  parts: ApiKeyParts,
  request: {
    readonly tenant: TenantName;
    readonly principal: string;
    readonly roles: readonly string[];
    readonly ttlMs: number;
  },
  by: Authorship,
): Promise<NewKey> {
  const { tenant, principal, ttlMs } = request;
  const roles = [...new Set(request.roles)];
  checkPrincipal(principal);
  checkTtl(ttlMs);
  for (const role of roles) {
    if (!parts.roleExists(tenant, role))
      throw invalidField("roles", "must name roles that exist: toolgate access role list shows them");
  }
  return changeDocument(parts.documents, KEY, { tenant, name: principal }, by, (former) => {
    if (former === undefined && roles.length === 0) throw invalidField("roles", "must be given for a new principal");
    const nowMs = parts.clock.nowMs();
    const made = newKey(parts, nowMs, ttlMs);
    const keys = withKey(liveKeys(former, nowMs), made.stored);
    const body = { ...(former === undefined ? {} : bodyOf(former)), ...(roles.length === 0 ? {} : { roles }), keys };
    return { body, answer: made.answer };
  });
}

/**
 * Makes another key for a principal. Its former ones hold for `overlapMs` yet, where they do not end before; with 0 they end at once.
 *
 * @returns the key, and when the former ones end
 * @throws ToolgateError UNKNOWN_DOCUMENT where there is no such principal; INVALID_REQUEST
 */
export async function rotateKey(
  parts: ApiKeyParts,
  request: {
    readonly tenant: TenantName;
    readonly principal: string;
    readonly overlapMs: number;
    readonly ttlMs: number;
  },
  by: Authorship,
): Promise<NewKey & { readonly formerUntilMs: number }> {
  const { tenant, principal, overlapMs, ttlMs } = request;
  checkPrincipal(principal);
  checkTtl(ttlMs);
  if (!(overlapMs >= 0 && overlapMs <= MAX_OVERLAP_MS)) {
    throw invalidField("overlap_ms", `must be from 0 to ${MAX_OVERLAP_MS}`);
  }
  return changeDocument(parts.documents, KEY, { tenant, name: principal }, by, (former) => {
    if (former === undefined) throw unknownPrincipal();
    const nowMs = parts.clock.nowMs();
    const formerUntilMs = nowMs + overlapMs;
    const made = newKey(parts, nowMs, ttlMs);
    const ending = liveKeys(former, nowMs)
      .filter(() => overlapMs > 0)
      .map((key) => (endsBefore(key, formerUntilMs) ? key : { ...key, expiresAtMs: formerUntilMs }));
    const body = { ...bodyOf(former), keys: withKey(ending, made.stored) };
    return { body, answer: { ...made.answer, formerUntilMs } };
  });
}

/**
 * Ends keys: one, or all of a principal's. Every node refuses them within a second, on open streams too.
 *
 * @param request `principal` may be empty where `keyId` is given; an empty `keyId` means all of the principal's
 * @returns how many
 * @throws ToolgateError UNKNOWN_DOCUMENT where there is no such principal or key; INVALID_REQUEST
 */
export async function revokeKey(
  parts: ApiKeyParts,
  request: { readonly tenant: TenantName; readonly principal: string; readonly keyId: string },
  by: Authorship,
): Promise<number> {
  const { tenant, keyId } = request;
  if (request.principal === "" && keyId === "") throw invalidField("principal", "or key_id must be given");
  const principal = request.principal || holderOf(parts.copy, tenant, keyId);
  if (principal === undefined) throw unknownKey();
  checkPrincipal(principal);
  return changeDocument(parts.documents, KEY, { tenant, name: principal }, by, (former) => {
    if (former === undefined) throw unknownPrincipal();
    const { keys } = former.spec;
    const kept = keyId === "" ? [] : keys.filter(({ id }) => id !== keyId);
    if (keyId !== "" && kept.length === keys.length) throw unknownKey();
    return { body: { ...bodyOf(former), keys: kept }, answer: keys.length - kept.length };
  });
}

function newKey(
  { randomBytes }: ApiKeyParts,
  nowMs: number,
  ttlMs: number,
): { readonly stored: StoredKey; readonly answer: NewKey } {
  const { text, id, hash } = makeSecretToken("key", randomBytes);
  const expiresAtMs = ttlMs === 0 ? 0 : nowMs + ttlMs;
  return { stored: { id, hash, createdAtMs: nowMs, expiresAtMs }, answer: { text, id, expiresAtMs } };
}

function liveKeys(document: StoredDocument<KeySpec> | undefined, nowMs: number): readonly StoredKey[] {
  return (document?.spec.keys ?? []).filter((key) => !endsBefore(key, nowMs + 1));
}

const endsBefore = ({ expiresAtMs }: StoredKey, atMs: number): boolean => expiresAtMs !== 0 && expiresAtMs < atMs;

function withKey(keys: readonly StoredKey[], key: StoredKey): readonly StoredKey[] {
  if (keys.length >= MAX_KEYS) {
    throw invalidField("principal", `has ${MAX_KEYS} keys, which is the most; revoke one first`);
  }
  return [...keys, key];
}

/** The content as it was applied, with what is not changed. */
function bodyOf(document: StoredDocument): Record<string, unknown> {
  return JSON.parse(document.body.toString()) as Record<string, unknown>; // its kind has read it as an object
}

function holderOf(copy: DocumentsReader, tenant: TenantName, keyId: string): string | undefined {
  for (const { ref, spec } of copy.all(KEY)) {
    if (ref.tenant === tenant && spec.keys.some(({ id }) => id === keyId)) return ref.name;
  }
  return undefined;
}

function checkPrincipal(principal: string): void {
  if (!PRINCIPAL_ID.test(principal)) throw invalidField("principal", `must match ${PRINCIPAL_ID.source}`);
}

function checkTtl(ttlMs: number): void {
  if (!(ttlMs >= 0 && ttlMs <= MAX_TTL_MS)) throw invalidField("ttl_ms", `must be from 0 to ${MAX_TTL_MS}`);
}

const unknownPrincipal = (): ToolgateError =>
  new ToolgateError("UNKNOWN_DOCUMENT", "The tenant has no principal of this name that has keys.");
const unknownKey = (): ToolgateError => new ToolgateError("UNKNOWN_DOCUMENT", "The tenant has no key of this id.");
