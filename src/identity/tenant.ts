import { type Branded, invalidField } from "./names.js";

/** A tenant: what owns toolsets, calls, keys and documents, and sees nothing of another one's unless it was shared. */
export type TenantName = Branded<string, "TenantName">;

const TENANT = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** The tenant of those that need no others: its toolsets have plain names. */
export const DEFAULT_TENANT = "default" as TenantName; // the pattern allows it

/** Whether a text is a tenant's name. */
export const isTenantName = (text: string): text is TenantName => TENANT.test(text);

/** @throws ToolgateError INVALID_REQUEST */
export function parseTenantName(text: string, field: string): TenantName {
  if (!isTenantName(text)) throw invalidField(field, `must match ${TENANT.source}`);
  return text;
}
