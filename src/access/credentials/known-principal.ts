import type { DocumentsReader } from "../../documents/document.js";
import type { Principal } from "../../identity/principal.js";
import type { TenantName } from "../../identity/tenant.js";
import { KEY } from "./key-document.js";
import { USER } from "./user-document.js";

/**
 * The principal of an id, as its key or, where it has none, its password proves it; nothing where no document names it: what tokens and
 * certificates say of a principal is known only when they come.
 */
export function knownPrincipal(documents: DocumentsReader, tenant: TenantName, id: string): Principal | undefined {
  const [key, user] = [documents.get(KEY, tenant, id)?.spec, documents.get(USER, tenant, id)?.spec];
  if (key !== undefined) return { tenant, id, kind: "key", roles: key.roles, attributes: key.attributes };
  return user && { tenant, id, kind: "user", roles: user.roles, attributes: user.attributes };
}
