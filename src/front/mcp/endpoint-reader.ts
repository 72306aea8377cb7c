import type { CallerAccess } from "../../access/caller-access.js";
import { visibleTo } from "../../access/visible-catalog.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import type { TenantName } from "../../identity/tenant.js";

/** Where endpoints look: the catalogue as their caller sees it. */
export interface EndpointReader {
  readonly visible: CatalogReader;
  readonly tenant: TenantName;
}

export function readerOf(catalog: CatalogReader, access: CallerAccess): EndpointReader {
  return { visible: visibleTo(catalog, access), tenant: access.principal.tenant };
}
