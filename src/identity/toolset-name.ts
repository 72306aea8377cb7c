import { isPlainToolsetName, type PlainToolsetName, parseToolsetName, type ToolsetName } from "./names.js";
import { DEFAULT_TENANT, isTenantName, type TenantName } from "./tenant.js";

/*
 * A toolset belongs to a tenant, and its identity says so: `files` is one of the default tenant, `acme/files` one of the tenant acme.
 * No plain name has a slash, and the default tenant is never spelled, so each toolset has one identity and each identity one toolset.
 *
 * Callers write and read names from where they stand: a plain name is their own tenant's, one with a tenant is that tenant's.
 */

const SEPARATOR = "/";
/** The most characters that an identity has: a tenant's name, the separator, a plain name. */
export const MAX_TOOLSET_NAME_CHARACTERS = 63 + SEPARATOR.length + 128;

/** The identity of a tenant's toolset. */
export function toolsetOf(tenant: TenantName, name: PlainToolsetName): ToolsetName {
  if (tenant === DEFAULT_TENANT) return name;
  return `${tenant}${SEPARATOR}${name}` as ToolsetName; // of the two parts that it consists of
}

/** Whether a text is a toolset's identity. */
export function isToolsetName(text: string): text is ToolsetName {
  const at = text.indexOf(SEPARATOR);
  if (at < 0) return isPlainToolsetName(text);
  const tenant = text.slice(0, at);
  return tenant !== DEFAULT_TENANT && isTenantName(tenant) && isPlainToolsetName(text.slice(at + 1));
}

/** The tenant that a toolset belongs to. */
export function tenantOf(toolset: ToolsetName): TenantName {
  const at = toolset.indexOf(SEPARATOR);
  return at < 0 ? DEFAULT_TENANT : (toolset.slice(0, at) as TenantName); // the part before it is one
}

/** A toolset's name within its tenant. */
export function plainName(toolset: ToolsetName): PlainToolsetName {
  return toolset.slice(toolset.indexOf(SEPARATOR) + 1) as PlainToolsetName; // the part behind it is one, and the whole where there is none
}

/**
 * The toolset that a caller names: `name` of its own tenant, or `tenant/name`.
 *
 * @param tenant the caller's.
 * @throws ToolgateError INVALID_REQUEST
 */
export function resolveToolset(tenant: TenantName, text: string, field: string): ToolsetName {
  const at = text.indexOf(SEPARATOR);
  const named = text.slice(0, Math.max(0, at));
  if (at >= 0 && isTenantName(named) && isPlainToolsetName(text.slice(at + 1)))
    return toolsetOf(named, text.slice(at + 1) as PlainToolsetName); // as just seen
  return toolsetOf(tenant, parseToolsetName(text, field));
}

/**
 * A toolset as a caller sees it; `resolveToolset` reads it back.
 *
 * @param tenant the caller's.
 */
export function shownToolset(tenant: TenantName, toolset: ToolsetName): string {
  const owner = tenantOf(toolset);
  if (owner === tenant) return plainName(toolset);
  return owner === DEFAULT_TENANT ? `${DEFAULT_TENANT}${SEPARATOR}${toolset}` : toolset;
}
