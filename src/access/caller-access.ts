import type { ToolsetName } from "../identity/names.js";
import type { Principal } from "../identity/principal.js";
import type { TenantName } from "../identity/tenant.js";
import type { Json } from "../json/json.js";
import type { Verb } from "./verbs.js";

/** What was decided, and by what. */
export interface Decision {
  readonly allowed: boolean;
  /** The rule that decided, as `role/agent#/rules/0`; undefined where none allows it. */
  readonly rule: string | undefined;
  /**
   * Rules whose conditions could not be judged by the arguments, each with the reason why: a denial held all the same, an allowance did not.
   * Absent where there are none.
   */
  readonly unjudged?: readonly UnjudgedCondition[];
  /**
   * Where it depends on the arguments of the call, decides by them once they were validated: the call is allowed only if this says so
   * too. Absent otherwise.
   *
   * @param args the payload's value, with a double for each number
   */
  readonly byArguments?: (args: Json, principal: Principal) => Decision;
}

/** A condition that could not be judged. */
export interface UnjudgedCondition {
  /** Its rule, as `role/agent#/rules/0`. */
  readonly rule: string;
  /** `error`: it asks for what the arguments do not have, or for another type of it. `cost`: it is too much work for them. */
  readonly why: "error" | "cost";
}

/** A tool as rules see it. */
export interface RuledTool {
  readonly name: string;
  readonly tags: readonly string[];
}

/** A toolset as rules see it: its identity, and the tags of its contract. */
export interface RuledToolset {
  readonly name: ToolsetName;
  readonly tags: readonly string[];
}

/**
 * What one caller may do: the one function that decides, compiled for its roles at one revision of the documents. It is asked for each
 * request, so it looks up what it once decided.
 */
export interface CallerAccess {
  readonly principal: Principal;
  /** The revision of the documents that it was compiled from. */
  readonly revision: number;
  /** Equal for callers that see the same: what is made to be read may be shared between them by it. */
  readonly view: string;
  /** Whether all tools of its own tenant are visible, and there is nothing of others': nothing needs to be filtered. */
  readonly seesWholeRegistry: boolean;
  /** What was made for callers of this view, by what it was made from: kept as long as the view holds. */
  readonly derived: WeakMap<object, unknown>;
  /** On a toolset, whatever it holds: all verbs but discover and call. */
  may(verb: Exclude<Verb, "discover" | "call">, toolset: RuledToolset): Decision;
  /** On one tool of a toolset. What may not be discovered may not be called. */
  mayUse(verb: "discover" | "call", toolset: RuledToolset, tool: RuledTool): Decision;
  /** Those of a toolset's tools that may be discovered: what `mayUse` says of each, for a whole contract at once. */
  visibleTools(toolset: RuledToolset, tools: readonly RuledTool[]): readonly RuledTool[];
  /** On a tenant as a whole: its audit and its documents. */
  mayIn(verb: "audit" | "administer", tenant: TenantName): Decision;
}
