import type { Verb } from "../verbs.js";
import type { Condition } from "./condition.js";
import type { PolicyTestSpec } from "./policy-test.js";

/** One rule of a role. */
export interface RuleSpec {
  readonly effect: "allow" | "deny";
  readonly verbs: readonly Verb[];
  /** Patterns: of the own tenant's toolsets, or `tenant/name` of others'. */
  readonly toolsets: readonly string[];
  /** Patterns of tools' names. */
  readonly tools: readonly string[];
  /** The rule covers tools that have all of these, on themselves or on their toolset. */
  readonly tags: readonly string[];
  /** The rule holds for a call only where its arguments fulfil this. */
  readonly when: Condition | undefined;
}

/** What a role's rules are about: its tenant and what was shared with that, or all tenants. */
export type RoleScope = "tenant" | "cluster";

/** What those may do that have the role. */
export interface RoleSpec {
  readonly scope: RoleScope;
  readonly description: string;
  readonly rules: readonly RuleSpec[];
  readonly tests: readonly PolicyTestSpec[];
}
