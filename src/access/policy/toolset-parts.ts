import type { ToolsetName } from "../../identity/names.js";
import { DEFAULT_TENANT, type TenantName } from "../../identity/tenant.js";

/** A toolset's identity, taken apart. */
export interface ToolsetParts {
  readonly tenant: TenantName;
  /** Its name within the tenant. */
  readonly name: string;
}

/** The tenant of a toolset, and its name in there: toolsets of the default tenant have plain names. */
export function partsOf(toolset: ToolsetName): ToolsetParts {
  const slash = toolset.indexOf("/");
  if (slash === -1) return { tenant: DEFAULT_TENANT, name: toolset };
  return { tenant: toolset.slice(0, slash) as TenantName, name: toolset.slice(slash + 1) }; // it was parsed when the toolset was named
}
