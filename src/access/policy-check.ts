import type { Steps } from "../async/steps.js";
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
import { WEBHOOK } from "../webhooks/webhook.js";
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
import { hasAdministratorSteps } from "./registry-facts.js";

/** A kind of documents that give roles to those whom they make known. */
interface RoleGiver {
  readonly kind: string;
  /** The roles that its documents give to anybody, each with its place: a JSON pointer. */
  all(documents: DocumentsReader): Iterable<{ readonly ref: DocumentRef; readonly roles: readonly GivenRole[] }>;
  /** Those that one of its documents gives; none where there is no such document. */
  of(documents: DocumentsReader, ref: DocumentRef): readonly GivenRole[];
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
    of(documents, { tenant, name }) {
      const document = documents.get(kind, tenant, name);
      return document === undefined ? [] : rolesOf(document.spec);
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
    kinds: [...CREDENTIALS, ROLE, SHARE, TENANT, REVOCATION, LIMIT, WEBHOOK].map(({ kind }) => kind),
    *check(proposal) {
      const { before, after, force } = proposal;
      yield* refuseEscalation(proposal);
      if (!force && (yield* wouldLockOut(before, after, nowMs()))) {
        const tenant = `the tenant "${DEFAULT_TENANT}"`;
        throw new ToolgateError(
          "INVALID_DOCUMENT",
          hasCredentials(before)
            ? `nobody could administer ${tenant} any more: give another principal the role admin first, or apply it with force`
            : `this would be the registry's first credential, from which on it asks everybody for one, and nobody could administer ${tenant}: ` +
                "make its administrator first, by toolgate access init where Redis can be reached, or apply it with force",
        );
      }
    },
    *findings({ author, before, after }) {
      const access = policyOf(before).accessOf(author);
      const known = new Map<TenantName, boolean>();
      // Of other tenants, and of their documents, only those hear that administer them.
      const concerns = (tenant: TenantName): boolean => {
        let isKnown = known.get(tenant);
        if (isKnown === undefined) {
          isKnown = access.mayIn("administer", tenant).allowed;
          known.set(tenant, isKnown);
        }
        return isKnown;
      };
      return yield* findingsOf(after, catalog, concerns);
    },
  };
}

/**
 * Whether a change leaves nobody that may administer the default tenant: it takes the last administrator away, or it makes the first
 * credentials of an open registry and gives none of them that role.
 */
export function* wouldLockOut(before: DocumentsReader, after: DocumentsReader, nowMs: number): Steps<boolean> {
  if (yield* canBeAdministered(after, nowMs)) return false;
  return (yield* canBeAdministered(before, nowMs)) || (!hasCredentials(before) && hasCredentials(after));
}

/** A policy to ask now: one that follows the documents would do so for good. */
function policyOf(documents: DocumentsReader): Policy {
  return createPolicy(new ProposedDocuments(documents, []));
}

/** Whether there is an administrator of the default tenant, or one may come by a token or a certificate. */
function* canBeAdministered(documents: DocumentsReader, nowMs: number): Steps<boolean> {
  const policy = policyOf(documents);
  if (yield* hasAdministratorSteps(documents, policy, "", nowMs)) return true;
  for (const mapping of CREDENTIALS) {
    if (mapping.kind !== ISSUER.kind && mapping.kind !== CERTIFICATE.kind) continue;
    for (const { ref, roles } of mapping.all(documents)) {
      yield;
      if (ref.tenant !== DEFAULT_TENANT) continue;
      for (const { role } of roles) {
        const principal = { tenant: ref.tenant, id: "", kind: "token", roles: [role], attributes: {} } as const;
        if (policy.accessOf(principal).mayIn("administer", DEFAULT_TENANT).allowed) return true;
        yield;
      }
    }
  }
  return false;
}

function hasCredentials(documents: DocumentsReader): boolean {
  return CREDENTIALS.some((kind) => kind.all(documents)[Symbol.iterator]().next().done !== true);
}

/** What looks wrong in the documents of those tenants that somebody may know of. */
function* findingsOf(
  documents: DocumentsReader,
  catalog: Pick<CatalogReader, "all">,
  concerns: (tenant: TenantName) => boolean,
): Steps<DocumentFinding[]> {
  const all = catalog.all();
  const findings = yield* lintPolicy(documents, {
    assignments: yield* assignmentsOf(documents, concerns),
    toolsets: yield* linted(all.slice(0, MAX_LINTED)),
    concerns,
  });
  // Where there are more, a rule may match one of those that were not looked at.
  return all.length <= MAX_LINTED ? findings : findings.filter(({ message }) => !message.startsWith("matches no"));
}

function* assignmentsOf(
  documents: DocumentsReader,
  concerns: (tenant: TenantName) => boolean,
): Steps<RoleAssignment[]> {
  const assignments: RoleAssignment[] = [];
  for (const kind of CREDENTIALS) {
    for (const { ref, roles } of kind.all(documents)) {
      yield;
      if (concerns(ref.tenant)) for (const given of roles) assignments.push({ ref, ...given });
    }
  }
  return assignments;
}

function* linted(views: ReturnType<CatalogReader["all"]>): Steps<LintedToolset[]> {
  const toolsets: LintedToolset[] = [];
  for (const { name, shown } of views) {
    yield;
    try {
      toolsets.push({ name, ...shown.outline() });
    } catch {
      // Its contract cannot be read: noted where that was found.
    }
  }
  return toolsets;
}

/** Whether a revocation takes rights in all tenants from somebody, or may: whom a token or a certificate stands for is not known here. */
function* revokesOfCluster(documents: DocumentsReader, revocation: RevocationSpec | undefined): Steps<boolean> {
  if (revocation === undefined) return false;
  const [kind = "", ...rest] = revocation.credential.split("/");
  const id = rest.join("/");
  switch (kind) {
    case "subject":
      return hasRoleOfCluster(documents, id);
    case "key":
      for (const { ref, spec } of documents.all(KEY)) {
        yield;
        if (ref.tenant === DEFAULT_TENANT && spec.keys.some((key) => key.id === id))
          return hasRoleOfCluster(documents, ref.name);
      }
      return false;
    case "session":
      return hasRoleOfCluster(documents, documents.get(SESSION, DEFAULT_TENANT, id)?.spec.user ?? "");
    default:
      return true;
  }
}

/** Whether a principal of the default tenant has rights in all tenants, by a key or a password. */
function hasRoleOfCluster(documents: DocumentsReader, name: string): boolean {
  return [KEY.kind, USER.kind].some((kind) => givesRoleOfCluster(documents, { tenant: DEFAULT_TENANT, kind, name }));
}

function givesRoleOfCluster(documents: DocumentsReader, ref: DocumentRef): boolean {
  const credential = CREDENTIALS.find(({ kind }) => kind === ref.kind);
  const given = credential?.of(documents, ref) ?? [];
  return given.some(({ role }) => findRole(documents, ref.tenant, role)?.scope === "cluster");
}

/** @throws ToolgateError FORBIDDEN where the author gives or takes over rights in all tenants without having them */
function* refuseEscalation({ author, before, after, changes }: DocumentProposal): Steps<void> {
  if (policyOf(before).accessOf(author).mayIn("administer", ANY_TENANT).allowed) return;
  for (const { ref } of changes) {
    yield;
    if (!(yield* isOfCluster(before, ref)) && !(yield* isOfCluster(after, ref))) continue;
    throw new ToolgateError(
      "FORBIDDEN",
      `only an administrator of the cluster may change ${ref.kind} "${ref.name}": it is about all tenants`,
      { metadata: { verb: "administer" } },
    );
  }
}

/**
 * Whether a document gives rights in all tenants, takes them, or is about tenants. So are those that say whom tokens and certificates stand
 * for: what two tenants claim stands for no principal, so one tenant could take the other's callers away.
 */
function* isOfCluster(documents: DocumentsReader, ref: DocumentRef): Steps<boolean> {
  const { tenant, kind, name } = ref;
  if (kind === TENANT.kind || kind === ISSUER.kind || kind === CERTIFICATE.kind) return true;
  if (tenant !== DEFAULT_TENANT) return false;
  if (kind === ROLE.kind) return documents.get(ROLE, tenant, name)?.spec.scope === "cluster";
  if (kind === LIMIT.kind) return documents.get(LIMIT, tenant, name)?.spec.match?.tenants !== undefined;
  if (kind === WEBHOOK.kind) return documents.get(WEBHOOK, tenant, name)?.spec.match?.tenants !== undefined;
  if (kind === REVOCATION.kind)
    return yield* revokesOfCluster(documents, documents.get(REVOCATION, tenant, name)?.spec);
  return givesRoleOfCluster(documents, ref);
}
