import type { JsonSchema, ToolContract } from "../../../contract/contract.js";
import { resolveToolset, shownToolset } from "../../../identity/toolset-name.js";
import { parseJson } from "../../../json/parse-json.js";
import { RawJson, stringifyJson } from "../../../json/raw-json.js";
import { cacheHints } from "../cache-hints.js";
import type { EndpointReader } from "../endpoint-reader.js";
import type { Endpoint, McpRequest } from "../mcp-request.js";
import { INVALID_PARAMS, type Members, readObject } from "../message.js";
import { callFound, readNamedCall, unknownName } from "../methods/call-tool.js";
import { type MethodAnswer, type Reply, result, rpcError } from "../reply.js";
import { isModern } from "../revision.js";
import { findByFullName, fullName, type NamedTool } from "../tool-names.js";

/*
 * For registries whose list is longer than a model should read: tools that find, describe and call the others. Calls are in three
 * variants, so that clients can let the ones that only read pass by themselves.
 *
 * Which variant a tool is of is what its provider says of it (`readOnlyHint`, `destructiveHint`); one that says nothing may destroy. That
 * narrows what a variant calls, and decides nothing else: who may call is up to the roles.
 */

const MAX_HITS = 25;
const USUAL_HITS = 10;
const MAX_NAMES = 10;

/** What a tool does to the world, from the least to the most. */
const EFFECTS = ["read", "write", "destructive"] as const;
type Effect = (typeof EFFECTS)[number];

const NAME = { type: "string", description: "A tool's name, as search_tools gives it." } as const;

/** One of these tools, as MCP lists it, and what it does. */
interface MetaTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly inputSchema: JsonSchema;
  readonly annotations: object;
  readonly call: (request: McpRequest, args: Members) => Promise<MethodAnswer> | MethodAnswer;
}

const SEARCH: MetaTool = {
  name: "search_tools",
  title: "Search tools",
  description:
    "Finds tools by words of their names, descriptions and tags, best first. Describe a tool before you call it for the first time.",
  inputSchema: {
    type: "object",
    properties: {
      query: { type: "string", description: "What the tool should do, in a few words.", maxLength: 256 },
      limit: { type: "integer", minimum: 1, maximum: MAX_HITS, description: `How many; ${USUAL_HITS} unless said.` },
    },
    required: ["query"],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  call: search,
};

const DESCRIBE: MetaTool = {
  name: "describe_tools",
  title: "Describe tools",
  description: "Shows tools whole: what they do, and the schemas of their arguments and results.",
  inputSchema: {
    type: "object",
    properties: { names: { type: "array", items: NAME, minItems: 1, maxItems: MAX_NAMES } },
    required: ["names"],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true, openWorldHint: false },
  call: describe,
};

const CALLS: readonly MetaTool[] = EFFECTS.map((effect) => ({
  name: callNameOf(effect),
  ...{
    read: {
      title: "Call a tool that reads",
      description: "Calls a tool that only reads. One that may change something is refused.",
      annotations: { readOnlyHint: true },
    },
    write: {
      title: "Call a tool that writes",
      description: "Calls a tool that may change something, and destroys nothing. One that may destroy is refused.",
      annotations: { readOnlyHint: false, destructiveHint: false },
    },
    destructive: {
      title: "Call any tool",
      description: "Calls any tool, also one that may destroy something.",
      annotations: { readOnlyHint: false, destructiveHint: true },
    },
  }[effect],
  inputSchema: {
    type: "object",
    properties: { name: NAME, arguments: { type: "object", description: "As the tool's own schema has them." } },
    required: ["name"],
    additionalProperties: false,
  },
  call: (request, args) => callBy(effect, request, args),
}));

const TOOLS: ReadonlyMap<string, MetaTool> = new Map([SEARCH, DESCRIBE, ...CALLS].map((tool) => [tool.name, tool]));

/** The tools that find, describe and call the others. */
export function metaTools(_reader: EndpointReader): Endpoint {
  return {
    toolset: undefined,
    instructions:
      "There are more tools than are listed. Find one with search_tools, read its schema with describe_tools, and call it with the call_tool variant that search_tools names.",
    listTools: (request) => listMeta(request),
    callTool: (request) => callMeta(request),
  };
}

function listMeta(request: McpRequest): Reply {
  const tools = [...TOOLS.values()].map(({ call: _call, ...listed }) => listed);
  return result({ ...(isModern(request.envelope.revision) ? { ...COMPLETE, ...cacheHints(request) } : {}), tools });
}

function callMeta(request: McpRequest): Promise<MethodAnswer> | MethodAnswer {
  const asked = readNamedCall(request.params, "params");
  if ("kind" in asked) return asked;
  const tool = TOOLS.get(asked.name);
  if (tool === undefined) return rpcError(INVALID_PARAMS, unknownName(asked.name));
  const args = readObject(asked.given);
  if (typeof args !== "object") return failed(request, `The arguments: ${args ?? "there are none"}.`);
  return tool.call(request, args);
}

async function search(request: McpRequest, args: Members): Promise<Reply> {
  const query = readValue(args.get("query"));
  const limit = readValue(args.get("limit")) ?? USUAL_HITS;
  if (typeof query !== "string" || query.length > 256)
    return failed(request, "query must be a text of at most 256 characters.");
  if (!Number.isInteger(limit) || Number(limit) < 1 || Number(limit) > MAX_HITS)
    return failed(request, `limit must be an integer from 1 to ${MAX_HITS}.`);
  const { hits = [] } = await request.ask.unary("Catalog/Search", { query, pageSize: Number(limit) });
  const { reader } = request;
  const tools: object[] = [];
  for (const { toolset = "", tool = "" } of hits) {
    const view = reader.visible.get(resolveToolset(reader.tenant, toolset, "toolset"));
    // Of a toolset that was found as a whole, there are its first tools.
    const found = view?.shown.contract().tools.filter(({ name }) => tool === "" || name === tool) ?? [];
    for (const one of found)
      if (view !== undefined && tools.length < Number(limit))
        tools.push(summaryOf(fullName(shownToolset(reader.tenant, view.name), view.name, one.name), one));
  }
  return succeeded(request, { tools });
}

function summaryOf(name: string, tool: ToolContract): object {
  const { title, description } = tool;
  return {
    name,
    ...(title === undefined ? {} : { title }),
    description: description.length > 512 ? `${description.slice(0, 511)}…` : description,
    call_with: callNameOf(effectOf(tool)),
  };
}

async function describe(request: McpRequest, args: Members): Promise<Reply> {
  const names = readValue(args.get("names"));
  if (
    !Array.isArray(names) ||
    names.length < 1 ||
    names.length > MAX_NAMES ||
    names.some((one) => typeof one !== "string")
  )
    return failed(request, `names must be 1 to ${MAX_NAMES} names of tools.`);
  const { listed, envelope } = request;
  const tools: RawJson[] = [];
  const unknown: string[] = [];
  for (const name of names as string[]) {
    const found = await find(request, name);
    if (found === undefined) unknown.push(name.slice(0, 128));
    else tools.push(new RawJson(Buffer.from(listed.json(found.epoch, found.tool, name, envelope.revision))));
  }
  return succeeded(request, { tools, ...(unknown.length === 0 ? {} : { unknown }) });
}

async function callBy(effect: Effect, request: McpRequest, args: Members): Promise<MethodAnswer> {
  const asked = readNamedCall(args, "arguments");
  if ("kind" in asked) return failed(request, asked.kind === "error" ? asked.error.message : "");
  const found = await find(request, asked.name);
  if (found === undefined) return failed(request, unknownName(asked.name));
  const needed = effectOf(found.tool);
  if (EFFECTS.indexOf(needed) > EFFECTS.indexOf(effect))
    return failed(request, `This tool is called with ${callNameOf(needed)}. The tool did not run.`);
  return callFound(request, found, asked.given);
}

function find({ reader }: McpRequest, name: string): Promise<NamedTool | undefined> {
  return findByFullName(reader.visible, reader.tenant, name);
}

/** What a tool may do, by its provider's word; the worst where there is none (as MCP reads absent hints). */
function effectOf({ annotations = {} }: ToolContract): Effect {
  if (annotations.readOnlyHint === true) return "read";
  return annotations.destructiveHint === false ? "write" : "destructive";
}

function callNameOf(effect: Effect): string {
  return `call_tool_${effect}`;
}

const COMPLETE = { resultType: "complete" } as const;

function succeeded({ envelope }: McpRequest, value: object): Reply {
  const text = stringifyJson(value) ?? "";
  return result({
    ...(isModern(envelope.revision) ? COMPLETE : {}),
    content: [{ type: "text", text }],
    structuredContent: new RawJson(Buffer.from(text)),
  });
}

/** What the model can do better. */
function failed({ envelope }: McpRequest, text: string): Reply {
  return result({ ...(isModern(envelope.revision) ? COMPLETE : {}), content: [{ type: "text", text }], isError: true });
}

function readValue(bytes: Buffer | undefined): unknown {
  return bytes === undefined ? undefined : parseJson(bytes.toString("utf8"), "number");
}
