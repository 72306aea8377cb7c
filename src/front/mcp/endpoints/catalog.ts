import { lookForNear } from "../../../access/visible-catalog.js";
import { unknownToolset } from "../../../catalog/unknown-toolset.js";
import { resolveToolset, shownToolset } from "../../../identity/toolset-name.js";
import type { EndpointReader } from "../endpoint-reader.js";
import type { Endpoint } from "../mcp-request.js";
import { callTool } from "../methods/call-tool.js";
import { listTools } from "../methods/list-tools.js";
import type { NamedTools } from "../named-tools.js";
import { bareName, findByBareName, findByFullName, fullName } from "../tool-names.js";

/** All that its caller may see. */
export function allTools({ visible, tenant }: EndpointReader): Endpoint {
  return endpointOf(undefined, undefined, {
    id: "all",
    toolsetsAfter: (name) => visible.after(name),
    nameOf: ({ name }, tool) => fullName(shownToolset(tenant, name), name, tool.name),
    find: (name) => findByFullName(visible, tenant, name),
  });
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
  return endpointOf(shownToolset(tenant, name), description === "" ? undefined : description, {
    id: `toolset ${name}`,
    *toolsetsAfter(after) {
      if (after < name) yield view;
    },
    nameOf: (_view, tool) => bareName(name, tool.name),
    find: (tool) => findByBareName(view, tool),
  });
}

function endpointOf(toolset: string | undefined, instructions: string | undefined, tools: NamedTools): Endpoint {
  return {
    ...{ toolset, instructions },
    listTools: (request) => listTools(tools, request),
    callTool: (request) => callTool(tools, request),
  };
}
