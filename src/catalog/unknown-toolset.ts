import { runSync, type Steps } from "../async/steps.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolsetName } from "../identity/names.js";
import { didYouMean, nearNameSteps } from "../identity/near-names.js";
import type { TenantName } from "../identity/tenant.js";
import { shownToolset } from "../identity/toolset-name.js";
import type { CatalogReader } from "./catalog-copy.js";
import type { ToolsetView } from "./toolset-view.js";

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
  const near = runSync(nearToolsets(catalog, tenant, toolset));
  return new ToolgateError("UNKNOWN_TOOLSET", `no toolset "${name}" is registered${didYouMean(near)}`, {
    metadata: { near: near.join(" ") },
  });
}

/** What was found near a name, as long as a catalogue is what it was: callers that miss a toolset ask for it again and again. */
const FOUND = new WeakMap<readonly ToolsetView[], Map<string, readonly string[]>>();
/** How many names are kept for one state of a catalogue. */
const MAX_FOUND = 100;

/**
 * Finds the names that may have been meant, among those that a caller sees, as it writes them. Of 20,000 toolsets that takes up to 100 ms:
 * what can wait has it done in slices before, and then `unknownToolset` finds it done.
 */
export function* nearToolsets(
  catalog: Pick<CatalogReader, "all">,
  tenant: TenantName,
  toolset: ToolsetName,
): Steps<readonly string[]> {
  const all = catalog.all();
  const found = FOUND.get(all) ?? new Map<string, readonly string[]>();
  const name = shownToolset(tenant, toolset);
  const key = `${tenant} ${name}`;
  let near = found.get(key);
  if (near === undefined) {
    near = yield* nearNameSteps(name, shownNames(all, tenant));
    if (found.size >= MAX_FOUND) found.clear();
    found.set(key, near);
    FOUND.set(all, found);
  }
  return near;
}

function* shownNames(all: readonly ToolsetView[], tenant: TenantName): Generator<string> {
  for (const { name } of all) yield shownToolset(tenant, name);
}
