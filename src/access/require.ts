import { ToolgateError } from "../errors/toolgate-error.js";
import type { TenantName } from "../identity/tenant.js";
import type { CallerAccess, RuledTool, RuledToolset } from "./caller-access.js";
import type { Verb } from "./verbs.js";

/**
 * Refuses a caller that may not do this with a toolset.
 *
 * @param toolset what it names. Where there is none of this name, the name alone, without tags
 * @param absent what a caller hears to which the toolset is not visible: exactly what it hears of one that does not exist.
 *   Undefined where the toolset is visible to it, or where the answer is the same whether there is one, as it is for registering
 * @throws ToolgateError FORBIDDEN; what `absent` makes
 */
export function requireVerb(
  access: CallerAccess,
  verb: Exclude<Verb, "discover" | "call">,
  toolset: RuledToolset,
  absent?: () => ToolgateError,
): void {
  if (access.may(verb, toolset).allowed) return;
  throw absent === undefined ? forbidden(verb, `"${toolset.name}"`) : absent();
}

/**
 * Refuses a caller that may see a tool, and not call it. Whether it may see the tool is decided before, where the tool is looked up.
 *
 * @throws ToolgateError FORBIDDEN
 */
export function requireCall(access: CallerAccess, toolset: RuledToolset, tool: RuledTool): void {
  if (!access.mayUse("call", toolset, tool).allowed) throw forbidden("call", `"${tool.name}" of "${toolset.name}"`);
}

/**
 * Refuses a caller that may not do this with a tenant as a whole: with its documents, keys and audit.
 *
 * @throws ToolgateError FORBIDDEN
 */
export function requireIn(access: CallerAccess, verb: "audit" | "administer", tenant: TenantName): void {
  if (!access.mayIn(verb, tenant).allowed) throw forbidden(verb, `in tenant "${tenant}"`);
}

function forbidden(verb: Verb, what: string): ToolgateError {
  return new ToolgateError("FORBIDDEN", `the caller's roles do not allow it to ${verb} ${what}`, {
    metadata: { verb },
  });
}
