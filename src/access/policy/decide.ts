import type { ToolsetName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { plainName, tenantOf } from "../../identity/toolset-name.js";
import type { RuledTool } from "../caller-access.js";
import type { Verb } from "../verbs.js";
import type { CompiledRule, CompiledShare } from "./compile-rules.js";

/*
 * What the rules say of one verb. Deny wins, whatever order they stand in; nothing is allowed that no rule allows. Another tenant's
 * toolset is reached by a tenant's own rules only as far as that tenant shared it; a denial needs no share.
 */

/** What the rules say. */
export type Ruling =
  /** No rule allows it. */
  | { readonly kind: "silent" }
  | { readonly kind: "denied"; readonly by: CompiledRule }
  | { readonly kind: "allowed"; readonly by: CompiledRule }
  /** It depends on the arguments of the call. */
  | {
      readonly kind: "conditional";
      /** Each denies where its condition holds. */
      readonly denials: readonly CompiledRule[];
      /** Each allows where its condition holds; one without a condition stands first. */
      readonly allowances: readonly CompiledRule[];
    };

const SILENT: Ruling = { kind: "silent" };

/** The rules that are about one toolset and one verb, for a principal of one tenant. */
export interface ToolsetRules {
  readonly denials: readonly CompiledRule[];
  readonly allowances: readonly CompiledRule[];
  /** The shares without which the tenant's own rules allow nothing; undefined for an own toolset. */
  readonly shares: readonly CompiledShare[] | undefined;
}

/** Selects the rules about a toolset and a verb. */
export function rulesAbout(
  rules: readonly CompiledRule[],
  shares: readonly CompiledShare[],
  verb: Verb,
  asking: TenantName,
  toolset: ToolsetName,
): ToolsetRules {
  const [tenant, name] = [tenantOf(toolset), plainName(toolset)];
  const [denials, allowances]: [CompiledRule[], CompiledRule[]] = [[], []];
  for (const rule of rules) {
    if (rule.verbs.has(verb) && rule.coversToolset(asking, tenant, name))
      (rule.effect === "deny" ? denials : allowances).push(rule);
  }
  return {
    denials,
    allowances,
    shares:
      asking === tenant
        ? undefined
        : shares.filter((share) => share.tenant === tenant && share.verbs.includes(verb) && share.coversToolset(name)),
  };
}

/** What the rules say of a tool. @param tags those of its toolset, which count as its own */
export function ruleOnTool(rules: ToolsetRules, tags: readonly string[], tool: RuledTool): Ruling {
  const shared = isShared(rules, tool);
  return rule(
    rules.denials.filter((denial) => isAbout(denial, tags, tool)),
    rules.allowances.filter((allowance) => (shared || allowance.cluster) && isAbout(allowance, tags, tool)),
  );
}

/** Whether a rule is about a tool of a toolset that it is about. */
export function isAbout(rule: CompiledRule, tags: readonly string[], tool: RuledTool): boolean {
  return (
    rule.coversTool(tool.name) &&
    (rule.tags.length === 0 || rule.tags.every((tag) => tags.includes(tag) || tool.tags.includes(tag)))
  );
}

/** Whether a rule allows it, if only with some arguments; whatever denies it. */
export function isAllowed(rules: ToolsetRules, tags: readonly string[], tool: RuledTool): boolean {
  if (rules.allowances.length === 0) return false;
  const shared = isShared(rules, tool);
  return rules.allowances.some((allowance) => (shared || allowance.cluster) && isAbout(allowance, tags, tool));
}

function isShared({ shares }: ToolsetRules, { name }: RuledTool): boolean {
  return shares?.some((share) => share.coversTool(name)) ?? true;
}

/**
 * What the rules say of a toolset as a whole. A denial for some of its tools is one for all: what is asked for would touch those too;
 * and what is allowed for some only is not allowed for it.
 */
export function ruleOnToolset(rules: ToolsetRules, tags: readonly string[]): Ruling {
  const covers = (rule: CompiledRule) => rule.tags.every((tag) => tags.includes(tag));
  const isOwn = rules.shares === undefined;
  return rule(
    rules.denials.filter(covers),
    rules.allowances.filter((allowance) => allowance.allTools && (isOwn || allowance.cluster) && covers(allowance)),
  );
}

/** What the rules say of a tenant as a whole. */
export function ruleOnTenant(
  rules: readonly CompiledRule[],
  verb: "audit" | "administer",
  asking: TenantName,
  tenant: TenantName,
): Ruling {
  const about = rules.filter((rule) => rule.verbs.has(verb) && rule.coversTenant(asking, tenant));
  return rule(
    about.filter(({ effect }) => effect === "deny"),
    about.filter(({ effect, cluster }) => effect === "allow" && (cluster || asking === tenant)),
  );
}

function rule(denials: readonly CompiledRule[], allowances: readonly CompiledRule[]): Ruling {
  const denial = denials.find(({ when }) => when === undefined);
  if (denial !== undefined) return { kind: "denied", by: denial };
  if (allowances.length === 0) return SILENT;
  const allowance = allowances.find(({ when }) => when === undefined);
  if (denials.length === 0 && allowance !== undefined) return { kind: "allowed", by: allowance };
  return { kind: "conditional", denials, allowances: allowance === undefined ? allowances : [allowance] };
}
