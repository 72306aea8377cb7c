import { LRUCache } from "lru-cache";
import type { DocumentRef, DocumentsReader } from "../../documents/document.js";
import type { Principal } from "../../identity/principal.js";
import { DEFAULT_TENANT, type TenantName } from "../../identity/tenant.js";
import type { CallerAccess, UnjudgedCondition } from "../caller-access.js";
import { BUILT_IN_ROLES } from "./built-in-roles.js";
import { CacheBudget } from "./cache-budget.js";
import { type CompiledRule, type CompiledShare, compileRules, compileShare } from "./compile-rules.js";
import { ROLE } from "./role.js";
import { RoleSet } from "./role-set.js";
import type { RoleSpec } from "./role-spec.js";
import { isSharedWith, SHARE } from "./share.js";
import { TENANT } from "./tenant-document.js";

/** What callers may do, by the documents as they are. */
export interface Policy {
  /** What a caller may do as of now: the same object for the same principal until something changes. */
  accessOf(principal: Principal): CallerAccess;
  /** Calls back after each change of what anybody may do; the result ends that. */
  onChange(listener: () => void): () => void;
}

/** How many sets of roles are kept compiled. */
const MAX_ROLE_SETS = 1_000;
/** How many decisions are kept, over all sets of roles. */
const MAX_DECISIONS = 200_000;
const POLICY_KINDS: ReadonlySet<string> = new Set([ROLE.kind, SHARE.kind, TENANT.kind]);

/** Told that a condition of a tenant's role could not be judged for a call, and so opened nothing. */
export type ConditionFaults = (tenant: TenantName, fault: UnjudgedCondition) => void;

/** Decides by roles: compiled on first use for each set of roles, and anew after each change of a role, a share or a tenant. */
export function createPolicy(documents: DocumentsReader, onConditionFault: ConditionFaults = () => {}): Policy {
  return new CompiledPolicy(documents, onConditionFault);
}

class CompiledPolicy implements Policy {
  readonly #documents: DocumentsReader;
  readonly #listeners = new Set<() => void>();
  readonly #roleSets = new LRUCache<string, RoleSet>({ max: MAX_ROLE_SETS });
  readonly #budget = new CacheBudget(MAX_DECISIONS);
  #access = new WeakMap<Principal, CallerAccess>();
  /** What is shared with each tenant that was asked about. */
  readonly #shares = new Map<TenantName, SharedWith>();
  /** The registry has tenants but the default one; undefined where that is to be looked up. */
  #tenanted: boolean | undefined;
  readonly #onConditionFault: ConditionFaults;

  constructor(documents: DocumentsReader, onConditionFault: ConditionFaults) {
    this.#documents = documents;
    this.#onConditionFault = onConditionFault;
    documents.onChange((changed) => this.#note(changed));
  }

  accessOf(principal: Principal): CallerAccess {
    let access = this.#access.get(principal);
    if (access === undefined) {
      access = this.#compile(principal);
      this.#access.set(principal, access);
    }
    return access;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #note(changed: readonly DocumentRef[]): void {
    if (!changed.some(({ kind }) => POLICY_KINDS.has(kind))) return;
    this.#roleSets.clear();
    this.#shares.clear();
    this.#access = new WeakMap();
    this.#tenanted = undefined;
    for (const listener of [...this.#listeners]) listener();
  }

  #compile(principal: Principal): CallerAccess {
    const roleSet = this.#roleSetOf(principal.tenant, principal.roles);
    return {
      principal,
      revision: this.#documents.revision,
      view: roleSet.view,
      seesWholeRegistry: roleSet.seesOwn && principal.tenant === DEFAULT_TENANT && !this.#isTenanted(),
      derived: roleSet.derived,
      may: (verb, toolset) => roleSet.may(verb, toolset),
      mayUse: (verb, toolset, tool) => roleSet.mayUse(verb, toolset, tool),
      visibleTools: (toolset, tools) => roleSet.visibleTools(toolset, tools),
      mayIn: (verb, tenant) => roleSet.mayIn(verb, tenant),
    };
  }

  #isTenanted(): boolean {
    this.#tenanted ??= [...this.#documents.all(TENANT)].length > 0;
    return this.#tenanted;
  }

  #roleSetOf(tenant: TenantName, roles: readonly string[]): RoleSet {
    const names = [...new Set(roles)].sort();
    const key = JSON.stringify([tenant, ...names]);
    let roleSet = this.#roleSets.get(key);
    if (roleSet !== undefined) return roleSet;
    // What a role forbids that cannot be read is not known, so whoever has it may do nothing until it is mended.
    const isWhole = !names.some(
      (name) => !BUILT_IN_ROLES.has(name) && this.#documents.isUnreadable(ROLE, tenant, name),
    );
    const found = (isWhole ? names : []).flatMap((name) => {
      const role = findRole(this.#documents, tenant, name);
      return role === undefined ? [] : [[name, role] as const];
    });
    const shared = this.#sharedWith(tenant);
    const described = found.map(([, { scope, rules }]) => [
      scope,
      rules.map((rule) => ({ ...rule, when: rule.when?.source })),
    ]);
    roleSet = new RoleSet({
      tenant,
      rules: found.flatMap(([name, role]): CompiledRule[] => compileRules(name, role)),
      shares: shared.compiled,
      description: `[${JSON.stringify(tenant)},${JSON.stringify(described)},${shared.description}]`,
      budget: this.#budget,
      onConditionFault: (fault) => this.#onConditionFault(tenant, fault),
    });
    this.#roleSets.set(key, roleSet);
    return roleSet;
  }

  #sharedWith(tenant: TenantName): SharedWith {
    let shared = this.#shares.get(tenant);
    if (shared === undefined) {
      const shares = [...this.#documents.all(SHARE)]
        .filter(({ spec }) => isSharedWith(spec, tenant))
        .sort((a, b) => compareTexts(`${a.ref.tenant} ${a.ref.name}`, `${b.ref.tenant} ${b.ref.name}`));
      shared = {
        compiled: shares.map(({ ref, spec }) => compileShare(ref.tenant, spec)),
        description: JSON.stringify(shares.map(({ ref, spec }) => [ref.tenant, spec])),
      };
      this.#shares.set(tenant, shared);
    }
    return shared;
  }
}

/** What others share with a tenant. */
interface SharedWith {
  readonly compiled: readonly CompiledShare[];
  readonly description: string;
}

/** The role of a name that a principal of a tenant can have; one of the cluster's is for the default tenant's principals only. */
export function findRole(documents: DocumentsReader, tenant: TenantName, name: string): RoleSpec | undefined {
  const role = BUILT_IN_ROLES.get(name) ?? documents.get(ROLE, tenant, name)?.spec;
  return role?.scope === "cluster" && tenant !== DEFAULT_TENANT ? undefined : role;
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
