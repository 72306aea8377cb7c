import { createHash } from "node:crypto";
import type { Principal } from "../../identity/principal.js";
import type { TenantName } from "../../identity/tenant.js";
import { tenantOf } from "../../identity/toolset-name.js";
import type { Json } from "../../json/json.js";
import type { Decision, RuledTool, RuledToolset } from "../caller-access.js";
import type { Verb } from "../verbs.js";
import type { CompiledRule, CompiledShare } from "./compile-rules.js";
import { type Ruling, ruleOnTenant, ruleOnTool, ruleOnToolset, rulesAbout, type ToolsetRules } from "./decide.js";

/** What a set of roles is compiled from. */
export interface RoleSetParts {
  readonly tenant: TenantName;
  readonly rules: readonly CompiledRule[];
  /** What others share with the tenant. */
  readonly shares: readonly CompiledShare[];
  /** Describes all of this; equal for what decides alike. */
  readonly description: string;
  /** Told of each condition that could not be judged, and so denied. */
  readonly onConditionFault: (rule: string) => void;
}

const REFUSED: Decision = Object.freeze({ allowed: false, rule: undefined });

/** What all principals of one tenant may do that have the same roles, at one revision of the documents. */
export class RoleSet {
  readonly view: string;
  /** Whether everything of the own tenant is visible. */
  readonly seesOwn: boolean;
  /** What was made for those that have the roles: see `CallerAccess`. */
  readonly derived = new WeakMap<object, unknown>();
  readonly #parts: RoleSetParts;

  constructor(parts: RoleSetParts) {
    this.#parts = parts;
    this.view = createHash("sha256").update(parts.description).digest("base64url").slice(0, 22);
    this.seesOwn = seesAllOf(parts);
  }

  /** Decides on a toolset, whatever it holds. */
  may(verb: Exclude<Verb, "discover" | "call">, toolset: RuledToolset): Decision {
    const tenant = tenantOf(toolset.name);
    if (verb === "audit" || verb === "administer") return this.mayIn(verb, tenant);
    const { rules, shares, tenant: asking } = this.#parts;
    return decisionOf(ruleOnToolset(rulesAbout(rules, shares, verb, asking, toolset.name), toolset.tags));
  }

  /** Decides on a tenant as a whole. */
  mayIn(verb: "audit" | "administer", tenant: TenantName): Decision {
    return decisionOf(ruleOnTenant(this.#parts.rules, verb, this.#parts.tenant, tenant));
  }

  /** Decides on one tool of a toolset. */
  mayUse(verb: "discover" | "call", toolset: RuledToolset, tool: RuledTool): Decision {
    const discover = ruleOnTool(this.#about("discover", toolset), toolset.tags, tool);
    const call = ruleOnTool(this.#about("call", toolset), toolset.tags, tool);
    const visible = visibility(discover, call);
    return verb === "discover" || !visible.allowed ? visible : this.#callable(call);
  }

  #about(verb: "discover" | "call", toolset: RuledToolset): ToolsetRules {
    const { rules, shares, tenant } = this.#parts;
    return rulesAbout(rules, shares, verb, tenant, toolset.name);
  }

  #callable(call: Ruling): Decision {
    if (call.kind !== "conditional") return decisionOf(call);
    const { denials, allowances } = call;
    const { onConditionFault } = this.#parts;
    return {
      allowed: true,
      rule: allowances[0]?.ref,
      byArguments: (args, principal) => decideByArguments(denials, allowances, args, principal, onConditionFault),
    };
  }
}

/** Whether nothing of the own tenant is hidden, whatever it has. May say no where it is so. */
function seesAllOf({ tenant, rules }: RoleSetParts): boolean {
  const denied = (verb: Verb) =>
    rules.some(
      ({ effect, verbs, reachesTenant }) => effect === "deny" && verbs.has(verb) && reachesTenant(tenant, tenant),
    );
  const allowed = (verb: Verb) =>
    rules.some(
      ({ effect, verbs, coversTenant, allTools, tags }) =>
        effect === "allow" && verbs.has(verb) && coversTenant(tenant, tenant) && allTools && tags.length === 0,
    );
  return !denied("discover") && (allowed("discover") || (allowed("call") && !denied("call")));
}

/** What may be called may be seen, and so may what is only there to be discovered; unless it may expressly not be discovered. */
function visibility(discover: Ruling, call: Ruling): Decision {
  if (discover.kind === "denied" || discover.kind === "allowed") return decisionOf(discover);
  // The arguments are not known yet: what may be called with some of them is shown.
  if (call.kind === "allowed") return decisionOf(call);
  return call.kind === "conditional" ? { allowed: true, rule: call.allowances[0]?.ref } : REFUSED;
}

function decisionOf(ruling: Ruling): Decision {
  switch (ruling.kind) {
    case "silent":
    case "conditional": // only calls have arguments
      return REFUSED;
    case "denied":
      return { allowed: false, rule: ruling.by.ref };
    case "allowed":
      return { allowed: true, rule: ruling.by.ref };
    default:
      return ruling satisfies never;
  }
}

/** A condition that cannot be judged never opens anything: a denial then holds, and an allowance does not. */
function decideByArguments(
  denials: readonly CompiledRule[],
  allowances: readonly CompiledRule[],
  args: Json,
  principal: Principal,
  onConditionFault: (rule: string) => void,
): Decision {
  const holds = ({ ref, when }: CompiledRule, onFault: boolean): boolean => {
    if (when === undefined) return true;
    const verdict = when.judge(args, principal);
    if (verdict === "fault") onConditionFault(ref);
    return verdict === "fault" ? onFault : verdict === "holds";
  };
  const denial = denials.find((rule) => holds(rule, true));
  if (denial !== undefined) return { allowed: false, rule: denial.ref };
  const allowance = allowances.find((rule) => holds(rule, false));
  return allowance === undefined ? REFUSED : { allowed: true, rule: allowance.ref };
}
