import { createHash } from "node:crypto";
import type { ToolsetName } from "../../identity/names.js";
import type { Principal } from "../../identity/principal.js";
import type { TenantName } from "../../identity/tenant.js";
import { tenantOf } from "../../identity/toolset-name.js";
import type { Json } from "../../json/json.js";
import type { Decision, RuledTool, RuledToolset, UnjudgedCondition } from "../caller-access.js";
import type { Verb } from "../verbs.js";
import type { CacheBudget } from "./cache-budget.js";
import type { CompiledRule, CompiledShare } from "./compile-rules.js";
import { ConditionMeter } from "./condition-meter.js";
import {
  isAbout,
  isAllowed,
  type Ruling,
  ruleOnTenant,
  ruleOnTool,
  ruleOnToolset,
  rulesAbout,
  type ToolsetRules,
} from "./decide.js";

/** What a set of roles is compiled from. */
export interface RoleSetParts {
  readonly tenant: TenantName;
  readonly rules: readonly CompiledRule[];
  /** What others share with the tenant. */
  readonly shares: readonly CompiledShare[];
  /** Describes all of this; equal for what decides alike. */
  readonly description: string;
  /** Bounds what is looked up rather than decided anew. */
  readonly budget: CacheBudget;
  /** Told of each condition that could not be judged, and so denied. */
  readonly onConditionFault: (fault: UnjudgedCondition) => void;
}

/** The rules about a toolset's tools. */
interface ToolRules {
  readonly discover: ToolsetRules;
  readonly call: ToolsetRules;
}

interface ToolDecisions {
  readonly discover: Decision;
  readonly call: Decision;
}

/** What was found out about a toolset. */
interface KnownToolset extends ToolRules {
  /** What holds for all of its tools, where the rules do not tell them apart. */
  readonly all: ToolDecisions | undefined;
  /** Some rule looks at tags, so what was decided holds for those tags alone. */
  readonly byTags: boolean;
  readonly tools: Map<string, ToolDecisions & KnownTags>;
}

interface KnownTags {
  readonly toolsetTags: readonly string[];
  readonly toolTags: readonly string[];
}

/** Stands for any tool, where the rules do not tell them apart. */
const ANY_TOOL: RuledTool = { name: "", tags: [] };
/** How many conditions of one decision are named that could not be judged. */
const MAX_UNJUDGED = 8;
const REFUSED: Decision = Object.freeze({ allowed: false, rule: undefined });

/** What all principals of one tenant may do that have the same roles, at one revision of the documents. */
export class RoleSet {
  readonly view: string;
  /** Whether everything of the own tenant is visible. */
  readonly seesOwn: boolean;
  /** What was made for those that have the roles: see `CallerAccess`. */
  readonly derived = new WeakMap<object, unknown>();
  readonly #parts: RoleSetParts;
  readonly #toolsets = new Map<ToolsetName, KnownToolset>();
  readonly #forget = (): void => this.#toolsets.clear();

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

  /** Decides on one tool of a toolset. What was decided once is looked up, as long as the tags are what they were. */
  mayUse(verb: "discover" | "call", toolset: RuledToolset, tool: RuledTool): Decision {
    const known = this.#toolsets.get(toolset.name) ?? this.#about(toolset.name);
    if (known.all !== undefined) return known.all[verb];
    let decided = known.tools.get(tool.name);
    if (decided === undefined || (known.byTags && !isSame(decided, toolset.tags, tool.tags))) {
      decided = { ...this.#decide(known, toolset.tags, tool), toolsetTags: toolset.tags, toolTags: tool.tags };
      this.#parts.budget.take(this.#forget);
      known.tools.set(tool.name, decided);
    }
    return decided[verb];
  }

  /** Which of a toolset's tools are visible: the same decisions for a whole contract at once, of which none is kept. */
  visibleTools(toolset: RuledToolset, tools: readonly RuledTool[]): readonly RuledTool[] {
    const { rules, shares, tenant } = this.#parts;
    const discover = rulesAbout(rules, shares, "discover", tenant, toolset.name);
    const call = rulesAbout(rules, shares, "call", tenant, toolset.name);
    if (discover.allowances.length === 0 && call.allowances.length === 0) return [];
    return tools.filter((tool) => canSee(discover, call, toolset.tags, tool));
  }

  /** What the rules are about one toolset. */
  #about(toolset: ToolsetName): KnownToolset {
    const { rules, shares, tenant, budget } = this.#parts;
    const discover = rulesAbout(rules, shares, "discover", tenant, toolset);
    const call = rulesAbout(rules, shares, "call", tenant, toolset);
    const all = [discover, call].flatMap((about) => [...about.denials, ...about.allowances]);
    const byTags = all.some(({ tags }) => tags.length > 0);
    const uniform =
      !byTags &&
      all.every(({ allTools }) => allTools) &&
      [discover, call].every((about) => about.shares?.every(({ allTools }) => allTools) ?? true);
    const about = { discover, call, byTags };
    const known: KnownToolset = {
      ...about,
      all: uniform ? this.#decide(about, [], ANY_TOOL) : undefined,
      tools: new Map(),
    };
    budget.take(this.#forget);
    this.#toolsets.set(toolset, known);
    return known;
  }

  #decide(rules: ToolRules, tags: readonly string[], tool: RuledTool): ToolDecisions {
    const discover = ruleOnTool(rules.discover, tags, tool);
    const call = ruleOnTool(rules.call, tags, tool);
    const visible = visibility(discover, call);
    return { discover: visible, call: visible.allowed ? this.#callable(call) : visible };
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

/** As `visibility` says it, without saying which rule decides. */
function canSee(discover: ToolsetRules, call: ToolsetRules, tags: readonly string[], tool: RuledTool): boolean {
  if (discover.denials.some((rule) => isAbout(rule, tags, tool))) return false;
  if (isAllowed(discover, tags, tool)) return true;
  return (
    isAllowed(call, tags, tool) && !call.denials.some((rule) => rule.when === undefined && isAbout(rule, tags, tool))
  );
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
  onConditionFault: (fault: UnjudgedCondition) => void,
): Decision {
  // Together, since a principal may have thousands of rules with conditions.
  const meter = new ConditionMeter();
  let unjudged: UnjudgedCondition[] | undefined;
  const holds = ({ ref, when }: CompiledRule, onFault: boolean): boolean => {
    if (when === undefined) return true;
    const verdict = when.judge(args, principal, meter);
    if (verdict !== "fault") return verdict === "holds";
    const fault = { rule: ref, why: meter.exhausted ? "cost" : "error" } as const;
    unjudged ??= [];
    if (unjudged.length < MAX_UNJUDGED) unjudged.push(fault);
    onConditionFault(fault);
    return onFault;
  };
  const denial = denials.find((rule) => holds(rule, true));
  if (denial !== undefined) return decided(false, denial.ref, unjudged);
  const allowance = allowances.find((rule) => holds(rule, false));
  return decided(allowance !== undefined, allowance?.ref, unjudged);
}

function decided(
  allowed: boolean,
  rule: string | undefined,
  unjudged: readonly UnjudgedCondition[] | undefined,
): Decision {
  return unjudged === undefined ? { allowed, rule } : { allowed, rule, unjudged };
}

function isSame(known: KnownTags, toolsetTags: readonly string[], toolTags: readonly string[]): boolean {
  return areSame(known.toolsetTags, toolsetTags) && areSame(known.toolTags, toolTags);
}

function areSame(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((tag, index) => tag === b[index]));
}
