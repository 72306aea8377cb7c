import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { DocumentKind, DocumentsReader, StoredDocument } from "../documents/document.js";
import type { DocumentCheck, DocumentFinding, DocumentProposal } from "../documents/proposed-documents.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { DEFAULT_TENANT, type TenantName } from "../identity/tenant.js";
import { KEY } from "./credentials/key-document.js";
import { USER } from "./credentials/user-document.js";
import { type LintedToolset, lintPolicy, type RoleAssignment } from "./policy/lint.js";
import { createPolicy, findRole } from "./policy/policy.js";
import { ROLE } from "./policy/role.js";
import { SHARE } from "./policy/share.js";
import { TENANT } from "./policy/tenant-document.js";
import { hasAdministrator } from "./registry-facts.js";

/** The kinds of documents that give roles. */
const CREDENTIALS: readonly DocumentKind<{ readonly roles: readonly string[] }>[] = [KEY, USER];

/** No tenant has this name: only rules about all tenants are about it. */
const ANY_TENANT = "" as TenantName; // as said

/** How many toolsets of the catalogue rules are compared with. */
const MAX_LINTED = 1_000;

/**
 * Judges changes of roles, shares, tenants and credentials as a whole: that an administrator is left, and that nobody gives what is not
 * theirs to give. An administrator of one tenant must not become one of the cluster by a document: not by a role, nor by a key of somebody
 * that is one.
 *
 * @param nowMs the time by Redis's clock: an administrator whose keys have all expired is none
 */
export function policyCheck(catalog: Pick<CatalogReader, "all">, nowMs: () => number): DocumentCheck {
  return {
    kinds: [...CREDENTIALS.map(({ kind }) => kind), ROLE.kind, SHARE.kind, TENANT.kind],
    check(proposal) {
      refuseEscalation(proposal);
      if (!proposal.force && wouldLockOut(proposal.before, proposal.after, nowMs())) {
        throw new ToolgateError(
          "INVALID_DOCUMENT",
          `nobody could administer the tenant "${DEFAULT_TENANT}" any more: give another principal the role admin first, or apply it with force`,
        );
      }
      return findingsOf(proposal.after, catalog);
    },
  };
}

/**
 * Whether a change leaves nobody that may administer the default tenant: it takes the last administrator away, or it makes the first
 * credentials of an open registry and gives none of them that role.
 */
export function wouldLockOut(before: DocumentsReader, after: DocumentsReader, nowMs: number): boolean {
  if (hasAdministrator(after, createPolicy(after), "", nowMs)) return false;
  return (
    hasAdministrator(before, createPolicy(before), "", nowMs) || (!hasCredentials(before) && hasCredentials(after))
  );
}

function hasCredentials(documents: DocumentsReader): boolean {
  return CREDENTIALS.some((kind) => documents.all(kind)[Symbol.iterator]().next().done !== true);
}

/** What looks wrong in the documents. */
function findingsOf(documents: DocumentsReader, catalog: Pick<CatalogReader, "all">): DocumentFinding[] {
  const all = catalog.all();
  const findings = lintPolicy(documents, {
    assignments: assignmentsOf(documents),
    toolsets: linted(all.slice(0, MAX_LINTED)),
  });
  // Where there are more, a rule may match one of those that were not looked at.
  return all.length <= MAX_LINTED ? findings : findings.filter(({ message }) => !message.startsWith("matches no"));
}

function assignmentsOf(documents: DocumentsReader): RoleAssignment[] {
  return CREDENTIALS.flatMap((kind) =>
    [...documents.all(kind)].flatMap(({ ref, spec }) =>
      spec.roles.map((role, index) => ({ ref, path: `/roles/${index}`, role })),
    ),
  );
}

function linted(views: ReturnType<CatalogReader["all"]>): LintedToolset[] {
  return views.flatMap(({ name, shown }) => {
    try {
      return [{ name, ...shown.outline() }];
    } catch {
      return []; // its contract cannot be read: noted where that was found
    }
  });
}

/** @throws ToolgateError FORBIDDEN where the author gives or takes over rights in all tenants without having them */
function refuseEscalation({ author, before, after, changes }: DocumentProposal): void {
  const concerned = changes.filter(({ ref }) => isOfCluster(before, ref) || isOfCluster(after, ref));
  const [first] = concerned;
  if (first === undefined || createPolicy(before).accessOf(author).mayIn("administer", ANY_TENANT).allowed) return;
  throw new ToolgateError(
    "FORBIDDEN",
    `only an administrator of the cluster may change ${first.ref.kind} "${first.ref.name}": it is about all tenants`,
    { metadata: { verb: "administer" } },
  );
}

/** Whether a document gives rights in all tenants, or is about tenants. */
function isOfCluster(documents: DocumentsReader, { tenant, kind, name }: StoredDocument["ref"]): boolean {
  if (kind === TENANT.kind) return true;
  if (tenant !== DEFAULT_TENANT) return false;
  if (kind === ROLE.kind) return documents.get(ROLE, tenant, name)?.spec.scope === "cluster";
  const credential = CREDENTIALS.find((known) => known.kind === kind);
  if (credential === undefined) return false;
  const roles = documents.get(credential, tenant, name)?.spec.roles ?? [];
  return roles.some((role) => findRole(documents, tenant, role)?.scope === "cluster");
}
