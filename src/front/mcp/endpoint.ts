import type { CallerAccess } from "../../access/caller-access.js";
import { lookForNear, visibleTo } from "../../access/visible-catalog.js";
import type { CatalogReader } from "../../catalog/catalog-copy.js";
import type { ToolsetView } from "../../catalog/toolset-view.js";
import { unknownToolset } from "../../catalog/unknown-toolset.js";
import type { ToolContract } from "../../contract/contract.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
import { bareName, findByBareName, findByFullName, fullName, type NamedTool } from "./tool-names.js";

/** What one address of MCP serves: some of what its caller may see, under the names that it has there. */
export interface Endpoint {
  /** Tells lists of different endpoints apart. */
  readonly id: string;
  /** The one toolset that it has, as its caller names it; undefined where it may have several. */
  readonly toolset: string | undefined;
  /** How to use it, for the model. */
  readonly instructions: string | undefined;
  /** Its toolsets, after one, in the order of their identities. */
  toolsetsAfter(name: string): Iterable<ToolsetView>;
  nameOf(view: ToolsetView, tool: ToolContract): string;
  /** @returns nothing where there is no such tool for its caller */
  find(name: string): Promise<NamedTool | undefined> | NamedTool | undefined;
}

/** Where endpoints look. */
export interface EndpointReader {
  readonly visible: CatalogReader;
  readonly tenant: TenantName;
}

export function readerOf(catalog: CatalogReader, access: CallerAccess): EndpointReader {
  return { visible: visibleTo(catalog, access), tenant: access.principal.tenant };
}

/** All that its caller may see. */
export function allTools({ visible, tenant }: EndpointReader): Endpoint {
  return {
    id: "all",
    toolset: undefined,
    instructions: undefined,
    toolsetsAfter: (name) => visible.after(name),
    nameOf: ({ name }, tool) => fullName(shownToolset(tenant, name), name, tool.name),
    find: (name) => findByFullName(visible, tenant, name),
  };
}

/**
 * The tools of one toolset, by their own names.
 *
 * @throws ToolgateError INVALID_REQUEST, UNKNOWN_TOOLSET
 */
export async function toolsOf(reader: EndpointReader, toolset: string): Promise<Endpoint> {
  const { visible, tenant } = reader;
  const name = resolveToolset(tenant, toolset, "toolset");
  const view = visible.get(name);
  if (view === undefined) {
    await lookForNear(visible, tenant, name);
    throw unknownToolset(visible, tenant, name);
  }
  const { description } = view.shown.contract();
  return {
    id: `toolset ${name}`,
    toolset: shownToolset(tenant, name),
    instructions: description === "" ? undefined : description,
    *toolsetsAfter(after) {
      if (after < name) yield view;
    },
    nameOf: (_view, tool) => bareName(name, tool.name),
    find: (tool) => findByBareName(view, tool),
  };
}
