import type { CatalogReader } from "../catalog/catalog-copy.js";
import type { DocumentKind, DocumentRef, DocumentsReader } from "../documents/document.js";
import {
  type DocumentCheck,
  type DocumentFinding,
  type DocumentProposal,
  ProposedDocuments,
} from "../documents/proposed-documents.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import { DEFAULT_TENANT, type TenantName } from "../identity/tenant.js";
import { shortKey } from "../json/pointer.js";
import { LIMIT } from "../limits/limit.js";
import { CERTIFICATE } from "./credentials/certificate-document.js";
import { ISSUER } from "./credentials/issuer-document.js";
import { KEY } from "./credentials/key-document.js";
import { REVOCATION, type RevocationSpec } from "./credentials/revocation-document.js";
import { SESSION } from "./credentials/session-document.js";
import { USER } from "./credentials/user-document.js";
import { type LintedToolset, lintPolicy, type RoleAssignment } from "./policy/lint.js";
import { createPolicy, findRole, type Policy } from "./policy/policy.js";
import { ROLE } from "./policy/role.js";
import { SHARE } from "./policy/share.js";
import { TENANT } from "./policy/tenant-document.js";
import { hasAdministrator } from "./registry-facts.js";

/** A kind of documents that give roles to those whom they make known. */
interface RoleGiver {
  readonly kind: string;
  /** The roles that its documents give to anybody, each with its place: a JSON pointer. */
  all(documents: DocumentsReader): Iterable<{ readonly ref: DocumentRef; readonly roles: readonly GivenRole[] }>;
}

interface GivenRole {
  readonly path: string;
  readonly role: string;
}

function giver<Spec>(kind: DocumentKind<Spec>, rolesOf: (spec: Spec) => GivenRole[]): RoleGiver {
  return {
    kind: kind.kind,
    *all(documents) {
      for (const { ref, spec } of documents.all(kind)) yield { ref, roles: rolesOf(spec) };
    },
  };
}

const listed = (roles: readonly string[], path = "/roles"): GivenRole[] =>
  roles.map((role, index) => ({ path: `${path}/${index}`, role }));

const CREDENTIALS: readonly RoleGiver[] = [
  giver(KEY, ({ roles }) => listed(roles)),
  giver(USER, ({ roles }) => listed(roles)),
  giver(CERTIFICATE, ({ roles }) => listed(roles)),
  giver(ISSUER, ({ roles, defaultRoles }) => [
    ...listed(defaultRoles, "/defaultRoles"),
    ...[...roles].flatMap(([value, given]) => listed(given, `/roles/${shortKey(value)}`)),
  ]),
];

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
    kinds: [...CREDENTIALS.map(({ kind }) => kind), ROLE.kind, SHARE.kind, TENANT.kind, REVOCATION.kind, LIMIT.kind],
    check(proposal) {
      const { before, after, author, force } = proposal;
      refuseEscalation(proposal);
      if (!force && wouldLockOut(before, after, nowMs())) {
        throw new ToolgateError(
          "INVALID_DOCUMENT",
          `nobody could administer the tenant "${DEFAULT_TENANT}" any more: give another principal the role admin first, or apply it with force`,
        );
      }
      // Of other tenants' documents, only those hear that administer them.
      const access = policyOf(before).accessOf(author);
      const concerns = (tenant: TenantName) => access.mayIn("administer", tenant).allowed;
      return findingsOf(after, catalog, concerns).filter(({ ref }) => concerns(ref.tenant));
    },
  };
}

/**
 * Whether a change leaves nobody that may administer the default tenant: it takes the last administrator away, or it makes the first
 * credentials of an open registry and gives none of them that role.
 */
export function wouldLockOut(before: DocumentsReader, after: DocumentsReader, nowMs: number): boolean {
  if (canBeAdministered(after, nowMs)) return false;
  return canBeAdministered(before, nowMs) || (!hasCredentials(before) && hasCredentials(after));
}

/** A policy to ask now: one that follows the documents would do so for good. */
function policyOf(documents: DocumentsReader): Policy {
  return createPolicy(new ProposedDocuments(documents, []));
}

/** Whether there is an administrator of the default tenant, or one may come by a token or a certificate. */
function canBeAdministered(documents: DocumentsReader, nowMs: number): boolean {
  const policy = policyOf(documents);
  if (hasAdministrator(documents, policy, "", nowMs)) return true;
  return CREDENTIALS.filter(({ kind }) => kind === ISSUER.kind || kind === CERTIFICATE.kind).some((mapping) =>
    [...mapping.all(documents)].some(
      ({ ref, roles }) =>
        ref.tenant === DEFAULT_TENANT &&
        roles.some(({ role }) => {
          const principal = { tenant: ref.tenant, id: "", kind: "token", roles: [role], attributes: {} } as const;
          return policy.accessOf(principal).mayIn("administer", DEFAULT_TENANT).allowed;
        }),
    ),
  );
}

function hasCredentials(documents: DocumentsReader): boolean {
  return CREDENTIALS.some((kind) => kind.all(documents)[Symbol.iterator]().next().done !== true);
}

/** What looks wrong in the documents. */
function findingsOf(
  documents: DocumentsReader,
  catalog: Pick<CatalogReader, "all">,
  concerns: (tenant: TenantName) => boolean,
): DocumentFinding[] {
  const all = catalog.all();
  const findings = lintPolicy(documents, {
    assignments: assignmentsOf(documents),
    toolsets: linted(all.slice(0, MAX_LINTED)),
    concerns,
  });
  // Where there are more, a rule may match one of those that were not looked at.
  return all.length <= MAX_LINTED ? findings : findings.filter(({ message }) => !message.startsWith("matches no"));
}

function assignmentsOf(documents: DocumentsReader): RoleAssignment[] {
  return CREDENTIALS.flatMap((kind) =>
    [...kind.all(documents)].flatMap(({ ref, roles }) => roles.map((given) => ({ ref, ...given }))),
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

/** Whether a revocation takes rights in all tenants from somebody, or may: whom a token or a certificate stands for is not known here. */
function revokesOfCluster(documents: DocumentsReader, revocation: RevocationSpec | undefined): boolean {
  if (revocation === undefined) return false;
  const [kind = "", ...rest] = revocation.credential.split("/");
  const id = rest.join("/");
  const ofCluster = (name: string): boolean =>
    [KEY.kind, USER.kind].some((credential) =>
      isOfCluster(documents, { tenant: DEFAULT_TENANT, kind: credential, name }),
    );
  switch (kind) {
    case "subject":
      return ofCluster(id);
    case "key":
      for (const { ref, spec } of documents.all(KEY))
        if (ref.tenant === DEFAULT_TENANT && spec.keys.some((key) => key.id === id)) return ofCluster(ref.name);
      return false;
    case "session":
      return ofCluster(documents.get(SESSION, DEFAULT_TENANT, id)?.spec.user ?? "");
    default:
      return true;
  }
}

/** @throws ToolgateError FORBIDDEN where the author gives or takes over rights in all tenants without having them */
function refuseEscalation({ author, before, after, changes }: DocumentProposal): void {
  const concerned = changes.filter(({ ref }) => isOfCluster(before, ref) || isOfCluster(after, ref));
  const [first] = concerned;
  if (first === undefined || policyOf(before).accessOf(author).mayIn("administer", ANY_TENANT).allowed) return;
  throw new ToolgateError(
    "FORBIDDEN",
    `only an administrator of the cluster may change ${first.ref.kind} "${first.ref.name}": it is about all tenants`,
    { metadata: { verb: "administer" } },
  );
}

/**
 * Whether a document gives rights in all tenants, takes them, or is about tenants. So are those that say whom tokens and certificates stand
 * for: what two tenants claim stands for nobody, so one tenant could take the other's callers away.
 */
function isOfCluster(documents: DocumentsReader, { tenant, kind, name }: DocumentRef): boolean {
  if (kind === TENANT.kind || kind === ISSUER.kind || kind === CERTIFICATE.kind) return true;
  if (tenant !== DEFAULT_TENANT) return false;
  if (kind === ROLE.kind) return documents.get(ROLE, tenant, name)?.spec.scope === "cluster";
  if (kind === LIMIT.kind) return documents.get(LIMIT, tenant, name)?.spec.match?.tenants !== undefined;
  if (kind === REVOCATION.kind) return revokesOfCluster(documents, documents.get(REVOCATION, tenant, name)?.spec);
  const credential = CREDENTIALS.find((known) => known.kind === kind);
  if (credential === undefined) return false;
  for (const { ref, roles } of credential.all(documents)) {
    if (ref.tenant === tenant && ref.name === name)
      return roles.some(({ role }) => findRole(documents, tenant, role)?.scope === "cluster");
  }
  return false;
}
