import { runSync, type Steps } from "../async/steps.js";
import type { DocumentKind, DocumentsReader } from "../documents/document.js";
import type { Principal } from "../identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../identity/tenant.js";
import { CERTIFICATE } from "./credentials/certificate-document.js";
import { ISSUER } from "./credentials/issuer-document.js";
import { KEY, type StoredKey } from "./credentials/key-document.js";
import { REVOCATION } from "./credentials/revocation-document.js";
import { USER } from "./credentials/user-document.js";
import { BUILT_IN_ROLES } from "./policy/built-in-roles.js";
import type { Policy } from "./policy/policy.js";
import { ROLE } from "./policy/role.js";
import { TENANT } from "./policy/tenant-document.js";

/** The kinds of which a document makes callers known. */
const CREDENTIAL_KINDS: readonly DocumentKind<unknown>[] = [KEY, USER, ISSUER, CERTIFICATE];

/** Documents, and those among them that cannot be read. */
export interface CredentialReader extends DocumentsReader {
  unreadable(kind: string): Iterable<unknown>;
}

/** Whether there is a document that makes callers known; one that cannot be read counts. */
export function hasCredentials(documents: CredentialReader): boolean {
  return CREDENTIAL_KINDS.some((kind) => isAny(documents.all(kind)) || isAny(documents.unreadable(kind.kind)));
}

function isAny(found: Iterable<unknown>): boolean {
  return found[Symbol.iterator]().next().done !== true;
}

/** Whether a tenant exists, and is not disabled; the default one always does. */
export function tenantHolds(documents: DocumentsReader, tenant: TenantName): boolean {
  if (tenant === DEFAULT_TENANT) return true;
  const document = documents.get(TENANT, DEFAULT_TENANT, tenant);
  return document !== undefined && !document.spec.disabled;
}

/** Whether principals of a tenant can have a role; those of all tenants are the default one's. */
export function roleExists(documents: DocumentsReader, tenant: TenantName, role: string): boolean {
  const builtIn = BUILT_IN_ROLES.get(role);
  if (builtIn !== undefined) return builtIn.scope === "tenant" || tenant === DEFAULT_TENANT;
  return documents.get(ROLE, tenant, role) !== undefined;
}

/**
 * Whether the default tenant has a principal that may administer it, by a key or a password that is not disabled.
 *
 * @param except a principal that does not count
 * @param nowMs the time by Redis's clock: expired keys do not count; 0 where they do
 */
export function hasAdministrator(
  documents: DocumentsReader,
  policy: Pick<Policy, "accessOf">,
  except: string,
  nowMs = 0,
): boolean {
  return runSync(hasAdministratorSteps(documents, policy, except, nowMs));
}

/** What `hasAdministrator` says, in small steps. */
export function* hasAdministratorSteps(
  documents: DocumentsReader,
  policy: Pick<Policy, "accessOf">,
  except: string,
  nowMs: number,
): Steps<boolean> {
  const administers = (principal: Pick<Principal, "id" | "kind" | "roles" | "attributes">): boolean =>
    policy.accessOf({ tenant: DEFAULT_TENANT, ...principal }).mayIn("administer", DEFAULT_TENANT).allowed;
  const revoked = yield* revokedIn(documents, nowMs);
  for (const { ref, spec } of documents.all(KEY)) {
    yield;
    if (ref.tenant !== DEFAULT_TENANT || ref.name === except || spec.disabled) continue;
    if (revoked.has(`subject/${ref.name}`)) continue;
    const holds = ({ id, expiresAtMs }: StoredKey): boolean =>
      (expiresAtMs === 0 || expiresAtMs > nowMs) && !revoked.has(`key/${id}`);
    if (!spec.keys.some(holds)) continue;
    if (administers({ id: ref.name, kind: "key", roles: spec.roles, attributes: spec.attributes })) return true;
  }
  for (const { ref, spec } of documents.all(USER)) {
    yield;
    if (ref.tenant !== DEFAULT_TENANT || spec.disabled || revoked.has(`subject/${ref.name}`)) continue;
    if (administers({ id: ref.name, kind: "user", roles: spec.roles, attributes: spec.attributes })) return true;
  }
  return false;
}

/** What is revoked in the default tenant. */
function* revokedIn(documents: DocumentsReader, nowMs: number): Steps<ReadonlySet<string>> {
  const revoked = new Set<string>();
  for (const { ref, spec } of documents.all(REVOCATION)) {
    yield;
    const { untilMs = 0 } = spec;
    if (ref.tenant === DEFAULT_TENANT && (untilMs === 0 || untilMs > nowMs)) revoked.add(spec.credential);
  }
  return revoked;
}
