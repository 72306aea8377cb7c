import { scopeOf } from "../../../access/scope.js";
import { runInSlices, type Steps } from "../../../async/steps.js";
import { openPageToken, sealPageToken } from "../../../catalog/page-token.js";
import type { ToolsetView } from "../../../catalog/toolset-view.js";
import type { ToolContract } from "../../../contract/contract.js";
import { RawJson } from "../../../json/raw-json.js";
import { cacheHints } from "../cache-hints.js";
import type { McpRequest } from "../mcp-request.js";
import { INVALID_PARAMS, textOf } from "../message.js";
import type { NamedTools } from "../named-tools.js";
import { type MethodAnswer, result, rpcError } from "../reply.js";
import { isModern } from "../revision.js";

/** The most tools of a page, and about how much JSON it may be, in characters. */
const PAGE_TOOLS = 500;
const PAGE_CHARACTERS = 1_048_576;

/** A page of tools: JSON of each, and the last one where there are more. */
interface ToolPage {
  readonly tools: readonly string[];
  readonly last: readonly [toolset: string, tool: string] | undefined;
}

/** `tools/list`: what its caller may see, whether or not it can be called just now. */
export async function listTools(named: NamedTools, request: McpRequest): Promise<MethodAnswer> {
  const { params, ask, envelope } = request;
  const cursor = params.has("cursor") ? textOf(params.get("cursor")) : "";
  if (cursor === undefined) return rpcError(INVALID_PARAMS, "params/cursor must be a text.");
  const question = ["mcp tools", named.id, ...scopeOf(ask.caller.access)];
  const from = cursor === "" ? (["", ""] as const) : openCursor(cursor, question);
  if (from === undefined)
    return rpcError(INVALID_PARAMS, "params/cursor must be the nextCursor of an earlier answer of this list.");
  const { tools, last } = await runInSlices(pageAfter(named, request, from), ask.caller.principal.tenant);
  const more = [
    ...(isModern(envelope.revision)
      ? [`"resultType":"complete",${JSON.stringify(cacheHints(request)).slice(1, -1)}`]
      : []),
    ...(last === undefined ? [] : [`"nextCursor":${JSON.stringify(sealPageToken(question, last))}`]),
  ];
  return result(new RawJson(Buffer.from(`{${[...more, `"tools":[${tools.join(",")}]`].join(",")}}`)));
}

function openCursor(cursor: string, question: readonly string[]): readonly [string, string] | undefined {
  try {
    return openPageToken(cursor, question, ["string", "string"]);
  } catch {
    return undefined;
  }
}

function* pageAfter(
  named: NamedTools,
  { listed, envelope }: McpRequest,
  [fromToolset, fromTool]: readonly [string, string],
): Steps<ToolPage> {
  const tools: string[] = [];
  let characters = 0;
  let last: [string, string] | undefined;
  for (const [view, tool] of toolsAfter(named, fromToolset, fromTool)) {
    yield;
    // One more than the page is looked for, so that the last page says that it is the last.
    if (tools.length === PAGE_TOOLS || characters >= PAGE_CHARACTERS) return { tools, last };
    const json = listed.json(view.shown, tool, named.nameOf(view, tool), envelope.revision);
    tools.push(json);
    characters += json.length;
    last = [view.name, tool.name];
  }
  return { tools, last: undefined };
}

/** Toolsets come in the order of their identities and tools, as in contracts, in that of their names: a page goes on where one ended. */
function* toolsAfter(
  named: NamedTools,
  fromToolset: string,
  fromTool: string,
): Generator<readonly [ToolsetView, ToolContract], void, void> {
  for (const view of named.toolsetsAfter(before(fromToolset))) {
    for (const tool of contractOf(view)) if (view.name !== fromToolset || tool.name > fromTool) yield [view, tool];
  }
}

/** A text after which that one comes next: the rest of its tools may be on the next page. */
function before(name: string): string {
  return name === "" ? "" : `${name.slice(0, -1)}${String.fromCharCode(name.charCodeAt(name.length - 1) - 1)}\uffff`;
}

/** One that cannot be read was quarantined just now, and is listed where damaged ones are. */
function contractOf(view: ToolsetView): readonly ToolContract[] {
  try {
    return view.shown.contract().tools;
  } catch {
    return [];
  }
}
