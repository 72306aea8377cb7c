import type { CallerAccess } from "../access/caller-access.js";
import type { CatalogReader } from "../catalog/catalog-copy.js";
import { factsOf } from "../catalog/toolset-view.js";
import { callerName, tenantOfCaller } from "../identity/caller-name.js";
import type { CallHead } from "../store/calls/call-record.js";

/**
 * Whether a caller may follow or cancel a call. A principal may with its own calls whatever its roles say; with those of others of its tenant,
 * it needs the verb on the call's toolset; with those of another tenant, it has to administer that one besides. Who may not is to hear
 * exactly what is said of a call that never was: `unknownCall`.
 *
 * @param catalog all of it: rules may ask for the tags of the call's toolset.
 */
export function mayWithCall(
  access: CallerAccess,
  verb: "follow" | "cancel",
  head: Pick<CallHead, "toolset" | "caller">,
  catalog: Pick<CatalogReader, "get">,
): boolean {
  if (head.caller === callerName(access.principal)) return true;
  const view = catalog.get(head.toolset);
  const tags = (view && factsOf(view)?.tags) ?? [];
  if (!access.may(verb, { name: head.toolset, tags }).allowed) return false;
  const tenant = tenantOfCaller(head.caller);
  return tenant === access.principal.tenant || access.mayIn("administer", tenant).allowed;
}
