import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import type { DocumentFinding } from "../../documents/proposed-documents.js";
import { compilePattern, compileToolPattern, splitToolsetPattern } from "../../identity/name-pattern.js";
import { DEFAULT_TENANT, type TenantName } from "../../identity/tenant.js";
import { plainName, tenantOf } from "../../identity/toolset-name.js";
import type { RuledTool, RuledToolset } from "../caller-access.js";
import { BUILT_IN_ROLES } from "./built-in-roles.js";
import { compileRules } from "./compile-rules.js";
import { ROLE } from "./role.js";
import type { RoleSpec, RuleSpec } from "./role-spec.js";
import { runPolicyTests } from "./run-policy-tests.js";
import { SHARE } from "./share.js";
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
  /** Whose roles' cases are run; everybody's unless said. */
  readonly concerns?: (tenant: TenantName) => boolean;
}

/** How often a rule is compared with a toolset or a tool at most; beyond, nothing is said of rules that match nothing. */
const MAX_COMPARISONS = 200_000;

/** How long rules are compared, and then cases run, at most, in milliseconds: nothing else is served meanwhile. */
const MAX_COMPARING_MS = 20;
const MAX_CASES_MS = 20;

/** What is allowed in the policy, and probably not meant. */
export function lintPolicy(
  documents: DocumentsReader,
  { assignments, toolsets, concerns = () => true }: LintFacts,
): DocumentFinding[] {
  const rulesUntilMs = performance.now() + MAX_COMPARING_MS;
  const casesUntilMs = rulesUntilMs + MAX_CASES_MS;
  const findings: DocumentFinding[] = [];
  const budget = { left: MAX_COMPARISONS };
  const assigned = new Set(assignments.map(({ ref, role }) => `${ref.tenant} ${role}`));
  for (const { ref, spec } of documents.all(ROLE)) {
    const add = (path: string, message: string) => findings.push({ ref, path, message });
    if (!assigned.has(`${ref.tenant} ${ref.name}`)) add("", "is a role that nobody has");
    for (const [place, message] of lintRules(ref, spec, rulesUntilMs)) add(place, message);
    for (const place of rulesWithoutMatch(ref, spec, toolsets, budget))
      add(place, "matches nothing that is registered: check the names, or leave it for what is to come");
    if (spec.tests.length === 0 || !concerns(ref.tenant)) continue;
    const results = runPolicyTests([{ ...ref, spec }], sharesOf(documents), casesUntilMs);
    if (results.length < spec.tests.length) add("/tests", "has cases that were not run: all of them take too long");
    for (const { path, expected, passed } of results)
      if (!passed) add(path, `is a case that fails: ${expected === "allow" ? "it is denied" : "it is allowed"}`);
  }
  for (const { ref, path, role } of assignments) {
    const message = wrongAssignment(documents, ref.tenant, role);
    if (message !== undefined) findings.push({ ref, path, message });
  }
  for (const { ref, spec } of documents.all(SHARE)) {
    for (const [index, tenant] of spec.with.entries())
      if (tenant !== DEFAULT_TENANT && documents.get(TENANT, DEFAULT_TENANT, tenant) === undefined)
        findings.push({ ref, path: `/with/${index}`, message: "names a tenant that does not exist" });
    for (const [index, pattern] of spec.toolsets.entries()) {
      const matches = compilePattern(pattern);
      const found = toolsets.some(({ name }) => tenantOf(name) === ref.tenant && matches(plainName(name)));
      if (!found) findings.push({ ref, path: `/toolsets/${index}`, message: "matches no toolset that is registered" });
    }
  }
  return findings;
}

function sharesOf(documents: DocumentsReader) {
  return [...documents.all(SHARE)].map(({ ref, spec }) => ({ tenant: ref.tenant, spec }));
}

function wrongAssignment(documents: DocumentsReader, tenant: TenantName, name: string): string | undefined {
  const role = BUILT_IN_ROLES.get(name) ?? documents.get(ROLE, tenant, name)?.spec;
  if (role === undefined) return "names a role that does not exist: it gives nothing";
  if (role.scope === "cluster" && tenant !== DEFAULT_TENANT)
    return `names a role of the whole cluster: it gives nothing outside the tenant "${DEFAULT_TENANT}"`;
  return undefined;
}

/** Rules that another one of the role makes useless; those that there is no time to compare are passed over. */
function* lintRules({ tenant }: DocumentRef, { rules }: RoleSpec, untilMs: number): Generator<[string, string]> {
  const isWithin = (wide: RuleSpec, narrow: RuleSpec) => performance.now() < untilMs && covers(tenant, wide, narrow);
  for (const [index, rule] of rules.entries()) {
    const place = `/rules/${index}`;
    const denial = rules.findIndex(
      (other) => other.effect === "deny" && other.when === undefined && isWithin(other, rule),
    );
    if (rule.effect === "allow" && denial !== -1) {
      yield [place, `is dead: /rules/${denial} denies all of it`];
      continue;
    }
    const wider = rules.findIndex(
      (other, at) =>
        at !== index &&
        other.effect === rule.effect &&
        (other.when === undefined || other.when.source === rule.when?.source) &&
        isWithin(other, rule) &&
        // Of two that say the same, the later one is superfluous.
        (at < index || !isWithin(rule, other)),
    );
    if (wider !== -1) yield [place, `adds nothing: /rules/${wider} covers all of it`];
  }
}

/** Whether a rule is about everything that another one is about. May say no where it is so. */
function covers(tenant: TenantName, wide: RuleSpec, narrow: RuleSpec): boolean {
  return (
    narrow.verbs.every((verb) => wide.verbs.includes(verb)) &&
    wide.tags.every((tag) => narrow.tags.includes(tag)) &&
    narrow.tools.every((pattern) => wide.tools.some((other) => compileToolPattern(other)(pattern))) &&
    narrow.toolsets.every((pattern) => wide.toolsets.some((other) => coversToolsets(tenant, other, pattern)))
  );
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

/** Rules about no toolset or tool that there is. Those about whole tenants are about what comes, too. */
function* rulesWithoutMatch(
  { tenant, name }: DocumentRef,
  role: RoleSpec,
  toolsets: readonly LintedToolset[],
  budget: { left: number },
): Generator<string> {
  for (const [index, rule] of compileRules(name, role).entries()) {
    const spec = role.rules[index];
    if (
      spec === undefined ||
      (spec.toolsets.some((pattern) => splitToolsetPattern(pattern).name === "*") &&
        rule.allTools &&
        rule.tags.length === 0)
    )
      continue;
    const found = toolsets.some((toolset) => {
      if (--budget.left < 0) return true;
      if (!rule.coversToolset(tenant, tenantOf(toolset.name), plainName(toolset.name))) return false;
      return toolset.tools.some((tool) => {
        budget.left--;
        return (
          rule.coversTool(tool.name) && rule.tags.every((tag) => toolset.tags.includes(tag) || tool.tags.includes(tag))
        );
      });
    });
    if (budget.left < 0) return;
    if (!found) yield `/rules/${index}`;
  }
}
