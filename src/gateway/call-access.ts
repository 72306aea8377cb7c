import type { CallerAccess } from "../access/caller-access.js";
import type { CatalogReader } from "../catalog/catalog-copy.js";
import { factsOf } from "../catalog/toolset-view.js";
import { ToolgateError } from "../errors/toolgate-error.js";
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
  if (!isOthers(access, head)) return true;
  const view = catalog.get(head.toolset);
  const tags = (view && factsOf(view)?.tags) ?? [];
  if (!access.may(verb, { name: head.toolset, tags }).allowed) return false;
  const tenant = tenantOfCaller(head.caller);
  return tenant === access.principal.tenant || access.mayIn("administer", tenant).allowed;
}

/** Whether a call is another principal's: by its ids somebody came to it that may follow it, as long as that is so. */
export function isOthers({ principal }: Pick<CallerAccess, "principal">, head: Pick<CallHead, "caller">): boolean {
  return head.caller !== callerName(principal);
}

/**
 * Refuses to wait any longer for a call that its waiter may not follow any more.
 *
 * @throws ToolgateError ACCESS_CHANGED
 */
export function requireStillFollowed(
  access: CallerAccess,
  head: Pick<CallHead, "toolset" | "caller">,
  catalog: Pick<CatalogReader, "get">,
): void {
  if (mayWithCall(access, "follow", head, catalog)) return;
  throw new ToolgateError("ACCESS_CHANGED", "What the caller may see or do has changed; ask for the call again.", {
    executed: "unknown",
    retryAfterMs: 0,
  });
}
