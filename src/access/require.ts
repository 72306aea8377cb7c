import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolsetName } from "../identity/names.js";
import type { TenantName } from "../identity/tenant.js";
import { shownToolset } from "../identity/toolset-name.js";
import { firstInexact } from "../json/exact-numbers.js";
import type { Json } from "../json/json.js";
import type { CallerAccess, Decision, RuledTool, RuledToolset, UnjudgedCondition } from "./caller-access.js";
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
  throw absent === undefined ? forbidden(verb, `"${shownToolset(access.principal.tenant, toolset.name)}"`) : absent();
}

/**
 * Refuses a caller that may see a tool, and not call it. Whether it may see the tool is decided before, where the tool is looked up.
 *
 * @returns what was decided; where it depends on the call's arguments, `requireArguments` has to follow once they were validated
 * @throws ToolgateError FORBIDDEN
 */
export function requireCall(access: CallerAccess, toolset: RuledToolset, tool: RuledTool): Decision {
  const decision = access.mayUse("call", toolset, tool);
  if (!decision.allowed)
    throw forbidden("call", `"${tool.name}" of "${shownToolset(access.principal.tenant, toolset.name)}"`);
  return decision;
}

/**
 * Refuses a call whose arguments no rule allows. Does nothing where the decision does not depend on them.
 *
 * Conditions compare doubles, and the tool gets the bytes: a number that no double holds could be one number here and another one there, so
 * where conditions decide, it is refused.
 *
 * @param decision what `requireCall` returned
 * @param args the validated payload; its value is made only where it is asked for
 * @returns what allows it
 * @throws ToolgateError FORBIDDEN
 */
export function requireArguments(
  access: CallerAccess,
  decision: Decision,
  toolset: RuledToolset,
  tool: RuledTool,
  args: JudgedArguments,
): Decision {
  const decided = decideArguments(access, decision, args);
  if (decided.allowed) return decided;
  const refusal = argumentsForbidden(access, toolset.name, tool.name);
  if (decided !== INEXACT) throw refusal;
  throw new ToolgateError("FORBIDDEN", `${refusal.message}: one of their numbers has more digits than a double holds`, {
    metadata: refusal.metadata,
  });
}

/** The error of a call whose arguments no rule allows. */
export function argumentsForbidden({ principal }: CallerAccess, toolset: ToolsetName, tool: string): ToolgateError {
  return forbidden("call", `"${tool}" of "${shownToolset(principal.tenant, toolset)}" with these arguments`);
}

/** What `requireArguments` goes by. */
export function decideArguments(access: CallerAccess, decision: Decision, args: JudgedArguments): Decision {
  if (decision.byArguments === undefined) return decision;
  return areExact(args) ? decision.byArguments(args.value, access.principal) : INEXACT;
}

/** A payload as conditions look at it. */
export interface JudgedArguments {
  readonly bytes: Uint8Array;
  readonly value: Json;
  /** It may have numbers that no double holds. */
  readonly longNumbers: boolean;
}

/** Of a number that no double holds no condition can tell what the tool makes of it. */
const INEXACT: Decision = Object.freeze({ allowed: false, rule: undefined });
/** The longest payload whose long numbers are looked at, in bytes: that takes some milliseconds. Of a longer one, none may be long. */
const MAX_LOOKED_AT_BYTES = 262_144;

function areExact({ bytes, longNumbers }: JudgedArguments): boolean {
  if (!longNumbers) return true;
  if (bytes.length > MAX_LOOKED_AT_BYTES) return false;
  return firstInexact(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), () => true) === undefined;
}

/** What is said of a condition that could not be judged, to those that may see the policy: never the arguments. */
export function unjudgedCondition(tenant: TenantName, rule: string, why: UnjudgedCondition["why"]): ToolgateError {
  return new ToolgateError(
    "FORBIDDEN",
    `the condition of ${tenant}/${rule} cannot be judged by a call's arguments (${unjudgedCause(why)}), so it allows nothing and denies`,
  );
}

/** Why a call's arguments do not decide a condition, in words. */
export function unjudgedCause(why: UnjudgedCondition["why"]): string {
  return why === "cost" ? "it is too much work" : "they lack what it asks for, or have it of another type";
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
