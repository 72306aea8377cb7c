import type { Principal } from "../../../src/identity/principal.js";
import type { Json } from "../../../src/json/json.js";

/*
 * An oracle for policies, written from the prose of the rules, and from nothing else: slow, plain, and on documents as they are written.
 *
 *   Deny wins; nothing is allowed that no rule allows. A tool is visible where its call or its discovery is allowed, and its discovery is not
 *   denied; it is callable where its call is allowed, and it is visible. A rule with a condition counts for visibility where it allows, and
 *   not where it denies. A pattern without a slash is of the principal's own tenant; one that names a tenant is of that; one with a star for
 *   the tenant is of all others. `*` is any run of characters without a slash; alone it is all tools. Another tenant's toolset is reached only
 *   where that tenant shared it with the principal's, unless the role is one of the cluster; roles of the cluster are for principals of the
 *   default tenant only. A condition that cannot be judged denies.
 */

export interface NaiveRule {
  readonly effect?: "allow" | "deny";
  readonly verbs: readonly string[];
  readonly toolsets?: readonly string[];
  readonly tools?: readonly string[];
  readonly tags?: readonly string[];
  readonly when?: string;
}

export interface NaiveRole {
  readonly tenant: string;
  readonly name: string;
  readonly scope?: "tenant" | "cluster";
  readonly rules: readonly NaiveRule[];
}

export interface NaiveShare {
  readonly tenant: string;
  readonly toolsets: readonly string[];
  readonly tools?: readonly string[];
  readonly with: readonly string[];
  readonly verbs?: readonly string[];
}

export interface NaiveTool {
  readonly tenant: string;
  readonly toolset: string;
  readonly toolsetTags: readonly string[];
  readonly tool: string;
  readonly toolTags: readonly string[];
}

/** What a condition says of arguments; undefined where it cannot be judged. */
export type NaiveCondition = (when: string, args: Json) => boolean | undefined;

export class NaivePolicy {
  readonly #roles: readonly NaiveRole[];
  readonly #shares: readonly NaiveShare[];

  constructor(roles: readonly NaiveRole[], shares: readonly NaiveShare[]) {
    this.#roles = roles;
    this.#shares = shares;
  }

  isVisible(principal: Principal, tool: NaiveTool): boolean {
    if (this.#matching(principal, "discover", tool).some(({ rule }) => rule.effect === "deny")) return false;
    if (this.#allowing(principal, "discover", tool).length > 0) return true;
    const deniedAlways = this.#matching(principal, "call", tool).some(
      ({ rule }) => rule.effect === "deny" && rule.when === undefined,
    );
    return !deniedAlways && this.#allowing(principal, "call", tool).length > 0;
  }

  /** Whether it is callable with these arguments. */
  isCallable(principal: Principal, tool: NaiveTool, args: Json, judge: NaiveCondition): boolean {
    if (!this.isVisible(principal, tool)) return false;
    for (const { rule } of this.#matching(principal, "call", tool)) {
      if (rule.effect === "deny" && (rule.when === undefined || judge(rule.when, args) !== false)) return false;
    }
    return this.#allowing(principal, "call", tool).some(
      ({ rule }) => rule.when === undefined || judge(rule.when, args) === true,
    );
  }

  /** Whether it may do something with a toolset as a whole. */
  mayDo(principal: Principal, verb: string, tool: Omit<NaiveTool, "tool" | "toolTags">): boolean {
    const rules = this.#rulesOf(principal).filter(
      ({ rule }) =>
        rule.verbs.includes(verb) && this.#isOfToolset(principal, rule, { ...tool, tool: "", toolTags: [] }),
    );
    if (rules.some(({ rule }) => rule.effect === "deny")) return false;
    return rules.some(
      ({ role, rule }) => rule.effect !== "deny" && (role.scope === "cluster" || tool.tenant === principal.tenant),
    );
  }

  #allowing(principal: Principal, verb: string, tool: NaiveTool) {
    return this.#matching(principal, verb, tool).filter(({ role, rule }) => {
      if (rule.effect === "deny") return false;
      return tool.tenant === principal.tenant || role.scope === "cluster" || this.#isShared(principal, verb, tool);
    });
  }

  #matching(principal: Principal, verb: string, tool: NaiveTool) {
    return this.#rulesOf(principal).filter(
      ({ rule }) =>
        rule.verbs.includes(verb) &&
        this.#isOfToolset(principal, rule, tool) &&
        (rule.tools ?? ["*"]).some((pattern) => pattern === "*" || isLike(pattern, tool.tool)),
    );
  }

  #rulesOf(principal: Principal) {
    return this.#roles
      .filter(({ tenant, name, scope }) => {
        if (tenant !== principal.tenant || !principal.roles.includes(name)) return false;
        return scope !== "cluster" || principal.tenant === "default";
      })
      .flatMap((role) => role.rules.map((rule) => ({ role, rule })));
  }

  #isOfToolset(principal: Principal, rule: NaiveRule, tool: NaiveTool): boolean {
    const named = (rule.toolsets ?? ["*"]).some((pattern) => {
      const [tenant, name] = pattern.includes("/") ? pattern.split("/") : [principal.tenant, pattern];
      if (tenant === undefined || name === undefined || !isLike(name, tool.toolset)) return false;
      return tenant.includes("*")
        ? tool.tenant !== principal.tenant && isLike(tenant, tool.tenant)
        : tenant === tool.tenant;
    });
    return named && (rule.tags ?? []).every((tag) => [...tool.toolsetTags, ...tool.toolTags].includes(tag));
  }

  #isShared(principal: Principal, verb: string, tool: NaiveTool): boolean {
    return this.#shares.some(
      (share) =>
        share.tenant === tool.tenant &&
        share.with.includes(principal.tenant) &&
        (share.verbs ?? ["discover", "call"]).includes(verb) &&
        share.toolsets.some((pattern) => isLike(pattern, tool.toolset)) &&
        (share.tools ?? ["*"]).some((pattern) => pattern === "*" || isLike(pattern, tool.tool)),
    );
  }
}

/** By an expression, which backtracks; patterns here are short. */
function isLike(pattern: string, text: string): boolean {
  const escaped = pattern.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]*");
  return new RegExp(`^${escaped}$`).test(text);
}
