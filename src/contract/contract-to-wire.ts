import type { Contract as WireContract } from "../protocol/generated/toolgate/v1/Contract.js";
import type { Tool as WireTool } from "../protocol/generated/toolgate/v1/Tool.js";
import type { Contract, JsonSchema, ToolContract, ToolMeta } from "./contract.js";

/** A contract as it goes over the wire; the counterpart of `parseContract`, so that what was registered comes back. */
export function contractToWire(contract: Contract): WireContract {
  return { ...contractHeadToWire(contract), tools: contract.tools.map(toolToWire) };
}

/** The same without its tools. */
export function contractHeadToWire(contract: Contract): WireContract {
  return {
    name: contract.name,
    version: contract.version,
    title: contract.title ?? "",
    description: contract.description,
    tags: [...contract.tags],
    assertFormats: contract.assertFormats ?? false,
  };
}

/** One of its tools. */
export function toolToWire(tool: ToolContract): WireTool {
  return {
    name: tool.name,
    title: tool.title ?? "",
    description: tool.description,
    tags: [...tool.tags],
    payloadSchemaJson: jsonToWire(tool.payload),
    ...(tool.result === undefined ? {} : { resultSchemaJson: jsonToWire(tool.result) }),
    ...(tool.annotations === undefined ? {} : { annotations: { ...tool.annotations } }),
    delivery: tool.delivery === "idempotent" ? "DELIVERY_MODE_IDEMPOTENT" : "DELIVERY_MODE_ONCE",
    timeoutMs: tool.timeoutMs ?? 0,
    ...(tool.meta === undefined ? {} : { metaJson: jsonToWire(tool.meta) }),
  };
}

function jsonToWire(value: JsonSchema | ToolMeta): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}
