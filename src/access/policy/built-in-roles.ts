import { VERBS, type Verb } from "../verbs.js";
import type { RoleSpec, RuleSpec } from "./role-spec.js";

/** The roles that are always there. Their names cannot be taken. */
export const BUILT_IN_ROLES: ReadonlyMap<string, RoleSpec> = new Map<string, RoleSpec>([
  ["agent", tenantRole("finds and calls tools", [allow(["discover", "call"], ["*", "*/*"])])],
  ["provider", tenantRole("serves toolsets", [allow(["register", "discover"], ["*"])])],
  [
    "operator",
    tenantRole("keeps toolsets and calls running", [
      allow(["discover", "follow", "cancel", "operate", "approve"], ["*"]),
    ]),
  ],
  ["auditor", tenantRole("reads what was done", [allow(["discover", "audit"], ["*"])])],
  ["admin", tenantRole("may do anything in its tenant", [allow(VERBS, ["*"]), allow(["discover", "call"], ["*/*"])])],
  [
    "cluster-admin",
    {
      scope: "cluster",
      description: "administers all tenants",
      rules: [
        allow(["administer", "audit"], ["*", "*/*"]),
        allow(["discover", "follow", "cancel", "operate"], ["*/*"]),
      ],
      tests: [],
    },
  ],
]);

/** Whether a name is a built-in role's. */
export function isBuiltInRole(name: string): boolean {
  return BUILT_IN_ROLES.has(name);
}

function tenantRole(description: string, rules: readonly RuleSpec[]): RoleSpec {
  return { scope: "tenant", description, rules, tests: [] };
}

function allow(verbs: readonly Verb[], toolsets: readonly string[]): RuleSpec {
  return { effect: "allow", verbs, toolsets, tools: ["*"], tags: [], when: undefined };
}
