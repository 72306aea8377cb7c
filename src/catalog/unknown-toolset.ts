import { ToolgateError } from "../errors/toolgate-error.js";
import { didYouMean } from "../spelling/near-names.js";
import type { CatalogReader } from "./catalog-copy.js";

/** The error of everybody who names a toolset that is not there, with the names that may have been meant. */
export function unknownToolset(catalog: Pick<CatalogReader, "nearNames">, name: string): ToolgateError {
  const near = catalog.nearNames(name);
  return new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${name}" is registered${didYouMean(near)}`, {
    metadata: { near: near.join(" ") },
  });
}
