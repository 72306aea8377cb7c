import { ToolgateError } from "../errors/toolgate-error.js";
import type { Contract } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Tool } from "../protocol/generated/toolgate/v1/Tool.js";
import { ifDefined } from "./if-defined.js";
import { encodeJson } from "./json-bytes.js";
import type { SkippedPart } from "./provider.js";
import type { ReadSchema, ToolSchemas } from "./read-schema.js";
import type { DynamicToolset, ToolProperties } from "./tool-definition.js";

/** What of a toolset is registered. Rules are the gateway's to check: it names every fault at once. */
export function wireContract(toolset: DynamicToolset, schemas: ReadonlyMap<string, ToolSchemas>): Contract {
  const { name, version, title, description, tags } = toolset;
  return {
    name,
    version,
    ...ifDefined("title", title),
    ...ifDefined("description", description),
    tags: [...(tags ?? [])],
    tools: Object.entries(toolset.tools).map(([tool, definition]) => wireTool(tool, definition, schemas.get(tool))),
    ...ifDefined("assertFormats", toolset.assertFormats),
  };
}

/** What is left of a toolset after these parts were left out of it. */
export function withoutSkipped(contract: Contract, skipped: readonly SkippedPart[]): Contract {
  if (skipped.length === 0) return contract;
  const parts = new Map(skipped.map((part) => [part.tool, part]));
  const tools = (contract.tools ?? []).flatMap((tool) => {
    const part = parts.get(tool.name ?? "");
    if (part === undefined) return [tool];
    if (!part.resultSchemaOnly) return [];
    const { resultSchemaJson: _faulty, ...rest } = tool;
    return [rest];
  });
  return { ...contract, tools };
}

function wireTool(name: string, tool: ToolProperties, schemas: ToolSchemas | undefined): Tool {
  const { title, description, tags, annotations, timeoutMs, meta } = tool;
  return {
    name,
    ...ifDefined("title", title),
    ...ifDefined("description", description),
    tags: [...(tags ?? [])],
    ...ifDefined("payloadSchemaJson", wireSchema(schemas?.payload, name, "payload")),
    ...ifDefined("resultSchemaJson", wireSchema(schemas?.result, name, "result")),
    ...ifDefined("annotations", annotations === undefined ? undefined : { ...annotations }),
    delivery: tool.idempotent === true ? "DELIVERY_MODE_IDEMPOTENT" : "DELIVERY_MODE_ONCE",
    ...ifDefined("timeoutMs", timeoutMs),
    ...ifDefined("metaJson", meta === undefined ? undefined : wireMeta(meta, name)),
  };
}

function wireMeta(meta: unknown, tool: string): Uint8Array {
  const encoded = encodeJson(meta);
  if (encoded.kind === "encoded") return encoded.bytes;
  const violation = { field: `tools[${tool}].meta`, description: "a JSON object" };
  const message = `The meta of ${tool} is not JSON: ${encoded.why}.`;
  throw new ToolgateError("INVALID_CONTRACT", message, { violations: [violation] });
}

function wireSchema(schema: ReadSchema | undefined, tool: string, field: "payload" | "result"): Uint8Array | undefined {
  if (schema === undefined) return undefined;
  const encoded = encodeJson(schema.json);
  if (encoded.kind === "encoded") return encoded.bytes;
  const violation = { field: `tools[${tool}].${field}`, description: "a JSON Schema" };
  const message = `The ${field} schema of ${tool} is not JSON: ${encoded.why}.`;
  throw new ToolgateError("INVALID_SCHEMA", message, { violations: [violation] });
}
