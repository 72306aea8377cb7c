import { runSync, type Steps } from "../../async/steps.js";
import type { Principal } from "../../identity/principal.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset } from "../../identity/toolset-name.js";
import type { Decision } from "../caller-access.js";
import { CacheBudget } from "./cache-budget.js";
import { type CompiledShare, compileRules, compileShare } from "./compile-rules.js";
import type { PolicyTestSpec } from "./policy-test.js";
import { RoleSet } from "./role-set.js";
import type { RoleSpec } from "./role-spec.js";
import type { ShareSpec } from "./share.js";

/** How many decisions are kept while a role's cases run. */
const MAX_DECISIONS = 1_000;

/** A role, and the tenant that it is one of. */
export interface TestedRole {
  readonly tenant: TenantName;
  readonly name: string;
  readonly spec: Pick<RoleSpec, "scope" | "rules" | "tests">;
}

/** What tenants share, for cases about other tenants' toolsets. */
export interface TestedShare {
  readonly tenant: TenantName;
  readonly spec: ShareSpec;
}

/** What came of one case. */
export interface PolicyTestResult {
  readonly tenant: TenantName;
  readonly role: string;
  /** Where it stands in the role: a JSON pointer. */
  readonly path: string;
  readonly expected: PolicyTestSpec["expect"];
  readonly actual: PolicyTestSpec["expect"];
  /** The rule that decided; undefined where none allows it. */
  readonly rule: string | undefined;
  readonly passed: boolean;
}

/** Runs the cases that stand beside roles, each for a principal that has this role alone; by the code that decides on calls. */
export function runPolicyTests(roles: readonly TestedRole[], shares: readonly TestedShare[] = []): PolicyTestResult[] {
  const sharedWith = (tenant: TenantName) =>
    shares.filter(({ spec }) => spec.with.includes(tenant)).map((share) => compileShare(share.tenant, share.spec));
  return roles.flatMap((role) => runSync(policyTestSteps(role, sharedWith(role.tenant))));
}

/**
 * Runs the cases of one role, a case in a step.
 *
 * @param shares what is shared with its tenant
 * @param untilMs when to leave the others out, by `performance.now()`
 */
export function* policyTestSteps(
  { tenant, name, spec }: TestedRole,
  shares: readonly CompiledShare[],
  untilMs = Number.POSITIVE_INFINITY,
): Steps<PolicyTestResult[]> {
  const roleSet = new RoleSet({
    tenant,
    rules: compileRules(name, spec),
    shares,
    description: "",
    budget: new CacheBudget(MAX_DECISIONS),
    onConditionFault: () => {},
  });
  const results: PolicyTestResult[] = [];
  for (const [index, test] of spec.tests.entries()) {
    yield;
    if (performance.now() >= untilMs) break;
    const { allowed, rule } = decide(roleSet, tenant, name, test);
    const actual = allowed ? "allow" : "deny";
    const path = `/tests/${index}`;
    results.push({ tenant, role: name, path, expected: test.expect, actual, rule, passed: actual === test.expect });
  }
  return results;
}

function decide(roleSet: RoleSet, tenant: TenantName, role: string, test: PolicyTestSpec): Decision {
  const name = resolveToolset(tenant, test.toolset, "toolset");
  const toolset = { name, tags: test.tags };
  if (test.verb !== "discover" && test.verb !== "call") return roleSet.may(test.verb, toolset);
  const decision = roleSet.mayUse(test.verb, toolset, { name: test.tool ?? "", tags: [] });
  const principal: Principal = { tenant, roles: [role], ...test.as };
  return decision.byArguments === undefined ? decision : decision.byArguments(test.args ?? {}, principal);
}
