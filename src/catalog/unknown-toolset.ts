import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolsetName } from "../identity/names.js";
import { didYouMean, nearNames } from "../identity/near-names.js";
import type { TenantName } from "../identity/tenant.js";
import { shownToolset } from "../identity/toolset-name.js";
import type { CatalogReader } from "./catalog-copy.js";

/**
 * The error of every request that names a toolset that is not there: with what is wrong with its record where there is one, else with the
 * names that may have been meant.
 *
 * @param catalog as the caller sees it: what is not there for it is neither said nor suggested.
 * @param tenant the caller's: names are said as it writes them.
 */
export function unknownToolset(
  catalog: Pick<CatalogReader, "all" | "damageOf">,
  tenant: TenantName,
  toolset: ToolsetName,
): ToolgateError {
  const damage = catalog.damageOf(toolset);
  const name = shownToolset(tenant, toolset);
  if (damage !== undefined) {
    const { reason, epoch } = damage;
    const remove = `toolgate unregister ${name} --epoch ${epoch ?? 1}`;
    return new ToolgateError(
      "TOOLSET_DAMAGED",
      `"${name}" cannot be called: ${reason}. A provider that registers it again repairs it; or remove it: ${remove}`,
    );
  }
  const near = nearNames(name, shownNames(catalog, tenant));
  return new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${name}" is registered${didYouMean(near)}`, {
    metadata: { near: near.join(" ") },
  });
}

function* shownNames(catalog: Pick<CatalogReader, "all">, tenant: TenantName): Generator<string> {
  for (const { name } of catalog.all()) yield shownToolset(tenant, name);
}
