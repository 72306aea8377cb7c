import type { Steps } from "../../async/steps.js";
import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import type { DocumentFinding } from "../../documents/proposed-documents.js";
import { compilePattern, compileToolPattern, splitToolsetPattern } from "../../identity/name-pattern.js";
import { DEFAULT_TENANT, type TenantName } from "../../identity/tenant.js";
import { plainName, tenantOf } from "../../identity/toolset-name.js";
import type { RuledTool, RuledToolset } from "../caller-access.js";
import { BUILT_IN_ROLES } from "./built-in-roles.js";
import { type CompiledShare, compileRules, compileShare } from "./compile-rules.js";
import { ROLE } from "./role.js";
import type { RoleSpec, RuleSpec } from "./role-spec.js";
import { policyTestSteps } from "./run-policy-tests.js";
import { isSharedWith, SHARE } from "./share.js";
import { TENANT } from "./tenant-document.js";

/** A role that a document gives to somebody. */
export interface RoleAssignment {
  readonly ref: DocumentRef;
  /** Where in that document: a JSON pointer. */
  readonly path: string;
  readonly role: string;
}

/** A toolset of the catalogue, by what rules look at. */
export interface LintedToolset extends RuledToolset {
  readonly tools: readonly RuledTool[];
}

/** What documents are looked at with. */
export interface LintFacts {
  /** The roles that are given to somebody. */
  readonly assignments: readonly RoleAssignment[];
  /** The toolsets that are registered. */
  readonly toolsets: readonly LintedToolset[];
  /** Which tenants the answer may name: nothing is said of others' documents, nor whether others exist. */
  readonly concerns: (tenant: TenantName) => boolean;
}

/** How often a rule is compared with a toolset or a tool at most; beyond, nothing is said of rules that match nothing. */
const MAX_COMPARISONS = 200_000;

/** How long rules are compared, and then cases run, at most, in milliseconds, with all that is served in between. */
const MAX_COMPARING_MS = 500;
const MAX_CASES_MS = 500;

/** What is allowed in the policy, and probably not meant. */
export function* lintPolicy(
  documents: DocumentsReader,
  { assignments, toolsets, concerns }: LintFacts,
): Steps<DocumentFinding[]> {
  const rulesUntilMs = performance.now() + MAX_COMPARING_MS;
  const casesUntilMs = rulesUntilMs + MAX_CASES_MS;
  const findings: DocumentFinding[] = [];
  const budget = { left: MAX_COMPARISONS };
  const assigned = new Set<string>();
  for (const { ref, role } of assignments) {
    yield;
    assigned.add(`${ref.tenant} ${role}`);
  }
  const sharedWith = new SharesByTenant(documents);
  for (const { ref, spec } of documents.all(ROLE)) {
    yield;
    if (!concerns(ref.tenant)) continue;
    const add = (path: string, message: string) => findings.push({ ref, path, message });
    if (!assigned.has(`${ref.tenant} ${ref.name}`)) add("", "is a role that nobody has");
    for (const [place, message] of yield* uselessRules(ref, spec, rulesUntilMs)) add(place, message);
    for (const place of yield* rulesWithoutMatch(ref, spec, toolsets, budget))
      add(place, "matches nothing that is registered: check the names, or leave it for what is to come");
    if (spec.tests.length === 0) continue;
    const results = yield* policyTestSteps({ ...ref, spec }, yield* sharedWith.of(ref.tenant), casesUntilMs);
    if (results.length < spec.tests.length) add("/tests", "has cases that were not run: all of them take too long");
    for (const { path, expected, passed } of results)
      if (!passed) add(path, `is a case that fails: ${expected === "allow" ? "it is denied" : "it is allowed"}`);
  }
  for (const { ref, path, role } of assignments) {
    yield;
    const message = wrongAssignment(documents, ref.tenant, role);
    if (message !== undefined) findings.push({ ref, path, message });
  }
  findings.push(...(yield* wrongShares(documents, toolsets, concerns)));
  return findings;
}

/** What is shared with each tenant, compiled when it is first asked for. */
class SharesByTenant {
  readonly #documents: DocumentsReader;
  readonly #known = new Map<TenantName, readonly CompiledShare[]>();

  constructor(documents: DocumentsReader) {
    this.#documents = documents;
  }

  *of(tenant: TenantName): Steps<readonly CompiledShare[]> {
    const known = this.#known.get(tenant);
    if (known !== undefined) return known;
    const shares: CompiledShare[] = [];
    for (const { ref, spec } of this.#documents.all(SHARE)) {
      yield;
      if (isSharedWith(spec, tenant)) shares.push(compileShare(ref.tenant, spec));
    }
    this.#known.set(tenant, shares);
    return shares;
  }
}

function* wrongShares(
  documents: DocumentsReader,
  toolsets: readonly LintedToolset[],
  concerns: (tenant: TenantName) => boolean,
): Steps<DocumentFinding[]> {
  const findings: DocumentFinding[] = [];
  const namesByTenant = new Map<TenantName, string[]>();
  for (const { name } of toolsets) {
    const names = namesByTenant.get(tenantOf(name));
    if (names === undefined) namesByTenant.set(tenantOf(name), [plainName(name)]);
    else names.push(plainName(name));
  }
  for (const { ref, spec } of documents.all(SHARE)) {
    yield;
    if (!concerns(ref.tenant)) continue;
    for (const [index, tenant] of spec.with.entries())
      if (concerns(tenant) && tenant !== DEFAULT_TENANT && documents.get(TENANT, DEFAULT_TENANT, tenant) === undefined)
        findings.push({ ref, path: `/with/${index}`, message: "names a tenant that does not exist" });
    for (const [index, pattern] of spec.toolsets.entries()) {
      yield;
      if (!(namesByTenant.get(ref.tenant) ?? []).some(compilePattern(pattern)))
        findings.push({ ref, path: `/toolsets/${index}`, message: "matches no toolset that is registered" });
    }
  }
  return findings;
}

function wrongAssignment(documents: DocumentsReader, tenant: TenantName, name: string): string | undefined {
  const role = BUILT_IN_ROLES.get(name) ?? documents.get(ROLE, tenant, name)?.spec;
  if (role === undefined) return "names a role that does not exist: it gives nothing";
  if (role.scope === "cluster" && tenant !== DEFAULT_TENANT)
    return `names a role of the whole cluster: it gives nothing outside the tenant "${DEFAULT_TENANT}"`;
  return undefined;
}

/** Rules that another one of the role makes useless, each with its place; those that there is no time to compare are passed over. */
function* uselessRules({ tenant }: DocumentRef, { rules }: RoleSpec, untilMs: number): Steps<[string, string][]> {
  const found: [string, string][] = [];
  const isWithin = function* (wide: RuleSpec, narrow: RuleSpec): Steps<boolean> {
    yield;
    return performance.now() < untilMs && (yield* covers(tenant, wide, narrow));
  };
  for (const [index, rule] of rules.entries()) {
    const place = `/rules/${index}`;
    let denial = -1;
    if (rule.effect === "allow") {
      for (const [at, other] of rules.entries()) {
        if (other.effect !== "deny" || other.when !== undefined || !(yield* isWithin(other, rule))) continue;
        denial = at;
        break;
      }
    }
    if (denial !== -1) {
      found.push([place, `is dead: /rules/${denial} denies all of it`]);
      continue;
    }
    for (const [at, other] of rules.entries()) {
      if (at === index || other.effect !== rule.effect) continue;
      if (other.when !== undefined && other.when.source !== rule.when?.source) continue;
      if (!(yield* isWithin(other, rule))) continue;
      // Of two that say the same, the later one is superfluous.
      if (at > index && (yield* isWithin(rule, other))) continue;
      found.push([place, `adds nothing: /rules/${at} covers all of it`]);
      break;
    }
  }
  return found;
}

/** Whether a rule is about everything that another one is about. May say no where it is so. */
function* covers(tenant: TenantName, wide: RuleSpec, narrow: RuleSpec): Steps<boolean> {
  if (!narrow.verbs.every((verb) => wide.verbs.includes(verb))) return false;
  if (!wide.tags.every((tag) => narrow.tags.includes(tag))) return false;
  for (const pattern of narrow.tools) {
    yield;
    if (!wide.tools.some((other) => compileToolPattern(other)(pattern))) return false;
  }
  for (const pattern of narrow.toolsets) {
    yield;
    if (!wide.toolsets.some((other) => coversToolsets(tenant, other, pattern))) return false;
  }
  return true;
}

/** A star of the narrower pattern is matched by one of the wider only: names have none. */
function coversToolsets(tenant: TenantName, wide: string, narrow: string): boolean {
  const [a, b] = [splitToolsetPattern(wide), splitToolsetPattern(narrow)];
  if (!compilePattern(a.name)(b.name)) return false;
  if (a.tenant === b.tenant) return true;
  // A pattern of tenants is about others only.
  return (
    a.tenant?.includes("*") === true &&
    b.tenant !== undefined &&
    b.tenant !== tenant &&
    compilePattern(a.tenant)(b.tenant)
  );
}

/** Rules about no toolset or tool that there is, by their places. Those about whole tenants are about what comes, too. */
function* rulesWithoutMatch(
  { tenant, name }: DocumentRef,
  role: RoleSpec,
  toolsets: readonly LintedToolset[],
  budget: { left: number },
): Steps<string[]> {
  const unmatched: string[] = [];
  if (budget.left < 0) return unmatched;
  for (const [index, rule] of compileRules(name, role).entries()) {
    const spec = role.rules[index];
    if (
      spec === undefined ||
      (spec.toolsets.some((pattern) => splitToolsetPattern(pattern).name === "*") &&
        rule.allTools &&
        rule.tags.length === 0)
    )
      continue;
    let found = false;
    for (const toolset of toolsets) {
      yield;
      if (--budget.left < 0) return unmatched;
      if (!rule.coversToolset(tenant, tenantOf(toolset.name), plainName(toolset.name))) continue;
      found = toolset.tools.some((tool) => {
        budget.left--;
        return (
          rule.coversTool(tool.name) && rule.tags.every((tag) => toolset.tags.includes(tag) || tool.tags.includes(tag))
        );
      });
      if (found) break;
    }
    if (!found) unmatched.push(`/rules/${index}`);
  }
  return unmatched;
}
