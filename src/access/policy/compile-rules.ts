import { compilePattern, compileToolPattern, type Matcher, splitToolsetPattern } from "../../identity/name-pattern.js";
import type { TenantName } from "../../identity/tenant.js";
import type { Verb } from "../verbs.js";
import type { Condition } from "./condition.js";
import type { RoleScope, RoleSpec, RuleSpec } from "./role-spec.js";
import type { ShareSpec } from "./share.js";

/** A rule, ready to be asked. */
export interface CompiledRule {
  /** As `role/agent#/rules/0`. */
  readonly ref: string;
  readonly effect: RuleSpec["effect"];
  readonly verbs: ReadonlySet<Verb>;
  /** It reaches other tenants' toolsets whether they were shared or not. */
  readonly cluster: boolean;
  /** Whether it is about a toolset, for a principal of a tenant. */
  coversToolset(asking: TenantName, tenant: TenantName, name: string): boolean;
  /** Whether it is about a tenant as a whole, for a principal of a tenant. */
  coversTenant(asking: TenantName, tenant: TenantName): boolean;
  /** Whether it can be about a toolset of a tenant, for a principal of a tenant. */
  reachesTenant(asking: TenantName, tenant: TenantName): boolean;
  /** Whether it is about a tool of this name. */
  readonly coversTool: Matcher;
  readonly allTools: boolean;
  readonly tags: readonly string[];
  readonly when: Condition | undefined;
}

/** What one tenant shares with another, ready to be asked. */
export interface CompiledShare {
  /** The tenant that shares. */
  readonly tenant: TenantName;
  readonly verbs: readonly Verb[];
  readonly coversToolset: Matcher;
  readonly coversTool: Matcher;
  readonly allTools: boolean;
}

/** Compiles the rules of a role. */
export function compileRules(name: string, { scope, rules }: Pick<RoleSpec, "scope" | "rules">): CompiledRule[] {
  return rules.map((rule, index) => compileRule(`role/${name}#/rules/${index}`, scope, rule));
}

function compileRule(ref: string, scope: RoleScope, rule: RuleSpec): CompiledRule {
  const toolsets = rule.toolsets.map(compileToolsetPattern);
  return {
    ref,
    effect: rule.effect,
    verbs: new Set(rule.verbs),
    cluster: scope === "cluster",
    coversToolset: (asking, tenant, name) =>
      toolsets.some((pattern) => pattern.ofTenant(asking, tenant) && pattern.ofName(name)),
    coversTenant: (asking, tenant) => toolsets.some((pattern) => pattern.whole && pattern.ofTenant(asking, tenant)),
    reachesTenant: (asking, tenant) => toolsets.some((pattern) => pattern.ofTenant(asking, tenant)),
    coversTool: anyOf(rule.tools.map(compileToolPattern)),
    allTools: rule.tools.includes("*"),
    tags: rule.tags,
    when: rule.when,
  };
}

interface CompiledToolsetPattern {
  ofTenant(asking: TenantName, tenant: TenantName): boolean;
  readonly ofName: Matcher;
  /** It is about all toolsets of its tenants. */
  readonly whole: boolean;
}

/** Without a tenant it is about the principal's own; a pattern of tenants is about others only; a tenant that is named is itself. */
function compileToolsetPattern(text: string): CompiledToolsetPattern {
  const { tenant: tenants, name } = splitToolsetPattern(text);
  const shared = { ofName: compilePattern(name), whole: name === "*" };
  if (tenants === undefined) return { ...shared, ofTenant: (asking, tenant) => asking === tenant };
  if (!tenants.includes("*")) return { ...shared, ofTenant: (_asking, tenant) => tenant === tenants };
  const matches = compilePattern(tenants);
  return { ...shared, ofTenant: (asking, tenant) => asking !== tenant && matches(tenant) };
}

/** Compiles what a tenant shares. */
export function compileShare(tenant: TenantName, share: ShareSpec): CompiledShare {
  return {
    tenant,
    verbs: share.verbs,
    coversToolset: anyOf(share.toolsets.map(compilePattern)),
    coversTool: anyOf(share.tools.map(compileToolPattern)),
    allTools: share.tools.includes("*"),
  };
}

function anyOf(matchers: readonly Matcher[]): Matcher {
  const [only] = matchers;
  if (matchers.length === 1 && only !== undefined) return only;
  return (text) => matchers.some((matches) => matches(text));
}
