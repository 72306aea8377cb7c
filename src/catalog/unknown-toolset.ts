import { ToolgateError } from "../errors/toolgate-error.js";
import { didYouMean } from "../identity/near-names.js";
import type { CatalogReader } from "./catalog-copy.js";

/**
 * The error of every request that names a toolset that is not there: with what is wrong with its record where there is one, else with the
 * names that may have been meant.
 */
export function unknownToolset(catalog: Pick<CatalogReader, "nearNames" | "damageOf">, name: string): ToolgateError {
  const damage = catalog.damageOf(name);
  if (damage !== undefined) {
    const { reason, epoch } = damage;
    const remove = `toolgate unregister ${name} --epoch ${epoch ?? 1}`;
    return new ToolgateError(
      "TOOLSET_DAMAGED",
      `"${name}" cannot be called: ${reason}. A provider that registers it again repairs it; or remove it: ${remove}`,
    );
  }
  const near = catalog.nearNames(name);
  return new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${name}" is registered${didYouMean(near)}`, {
    metadata: { near: near.join(" ") },
  });
}
