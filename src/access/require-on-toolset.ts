import type { CatalogReader } from "../catalog/catalog-copy.js";
import { factsOf } from "../catalog/toolset-view.js";
import { unknownToolset } from "../catalog/unknown-toolset.js";
import type { ToolsetName } from "../identity/names.js";
import type { CallerAccess, RuledToolset } from "./caller-access.js";
import { requireVerb } from "./require.js";
import type { Verb } from "./verbs.js";
import { lookForNear, visibleTo } from "./visible-catalog.js";

/** A toolset as rules see it; without tags where there is none of this name. */
export function ruledToolset(catalog: Pick<CatalogReader, "get">, name: ToolsetName): RuledToolset {
  const view = catalog.get(name);
  return { name, tags: (view && factsOf(view)?.tags) ?? [] };
}

/**
 * Refuses a caller that may not do this with a toolset of the catalogue. Where it may not see the toolset either, it hears what it hears of
 * one that does not exist.
 *
 * @param catalog all of it.
 * @throws ToolgateError FORBIDDEN, UNKNOWN_TOOLSET
 */
export async function requireOnToolset(
  catalog: CatalogReader,
  access: CallerAccess,
  verb: Exclude<Verb, "discover" | "call">,
  toolset: ToolsetName,
): Promise<void> {
  const ruled = ruledToolset(catalog, toolset);
  if (access.may(verb, ruled).allowed) return;
  const absent = await absentTo(catalog, access, toolset);
  if (absent !== undefined) throw absent;
  requireVerb(access, verb, ruled);
}

/** What a caller hears of a toolset that is not visible to it; undefined where it is. */
export async function absentTo(
  catalog: CatalogReader,
  access: CallerAccess,
  toolset: ToolsetName,
): Promise<ReturnType<typeof unknownToolset> | undefined> {
  const visible = visibleTo(catalog, access);
  if (visible.get(toolset) !== undefined) return undefined;
  const { tenant } = access.principal;
  await lookForNear(visible, tenant, toolset);
  return unknownToolset(visible, tenant, toolset);
}
