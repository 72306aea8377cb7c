import type { Static } from "typebox";
import { compilePattern, compileToolPattern, type Matcher, splitToolsetPattern } from "../identity/name-pattern.js";
import type { ToolName, ToolsetName } from "../identity/names.js";
import type { TenantName } from "../identity/tenant.js";

const patterns = (pattern: string) =>
  ({
    type: "array",
    items: { type: "string", minLength: 1, maxLength: 256, pattern },
    minItems: 1,
    maxItems: 100,
  }) as const;

/** Which calls a document is about; all, where it says nothing. In patterns `*` stands for any characters but slashes, alone for all. */
export const CALL_MATCH = {
  type: "object",
  properties: {
    principals: patterns("^[^\\p{Cc}]*$"),
    /** Only in the default tenant: whose callers. */
    tenants: patterns("^[a-z0-9*-]+$"),
    toolsets: patterns("^([a-z0-9*-]+/)?[a-z0-9*._-]+$"),
    tools: patterns("^[A-Za-z0-9_*./-]+$"),
  },
} as const;

export type CallMatch = Static<typeof CALL_MATCH>;

/** Who calls what: all that such documents look at. */
export interface MatchedCall {
  readonly tenant: TenantName;
  /** The principal's id within its tenant. */
  readonly id: string;
  /** The toolset's identity, and apart. */
  readonly toolset: ToolsetName;
  readonly toolsetTenant: TenantName;
  readonly toolsetName: string;
  readonly tool: ToolName;
}

/**
 * Compiles which calls a document is about.
 *
 * @param owner the document's tenant
 * @param concerns whether a call is the owner's affair; the default tenant's is that of any tenants' callers where it names them
 */
export function compileCallMatch(
  owner: TenantName,
  { principals, tenants, toolsets, tools }: CallMatch,
  concerns: (call: MatchedCall) => boolean,
): (call: MatchedCall) => boolean {
  const ofTenant = tenants && anyOf(tenants.map(compilePattern));
  const ofPrincipal = principals && anyOf(principals.map(compileToolPattern));
  const ofTool = tools && anyOf(tools.map(compileToolPattern));
  const ofToolset = toolsets?.map((pattern) => {
    const parts = splitToolsetPattern(pattern);
    return {
      tenant: parts.tenant === undefined ? undefined : compilePattern(parts.tenant),
      name: compilePattern(parts.name),
    };
  });
  return (call) => {
    if (!(ofTenant === undefined ? concerns(call) : ofTenant(call.tenant))) return false;
    // A pattern without a tenant is about the document's own toolsets; where it names tenants, about those of each.
    const home = ofTenant === undefined ? owner : call.tenant;
    return (
      (ofPrincipal === undefined || ofPrincipal(call.id)) &&
      (ofTool === undefined || ofTool(call.tool)) &&
      (ofToolset === undefined ||
        ofToolset.some(
          ({ tenant, name }) =>
            (tenant === undefined ? call.toolsetTenant === home : tenant(call.toolsetTenant)) && name(call.toolsetName),
        ))
    );
  };
}

function anyOf(matchers: readonly Matcher[]): Matcher {
  return (text) => matchers.some((matches) => matches(text));
}
