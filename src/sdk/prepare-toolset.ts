import { ToolgateError } from "../errors/toolgate-error.js";
import type { Contract } from "../protocol/generated/toolgate/v1/Contract.js";
import { checkedRun } from "./checked-run.js";
import { readSchema, type ToolSchemas } from "./read-schema.js";
import type { ToolCode } from "./running-call.js";
import type { DynamicTool, DynamicToolset } from "./tool-definition.js";
import { wireContract } from "./wire-contract.js";

/** A toolset's two halves: what is registered, and the code that runs. */
export interface PreparedToolset {
  readonly contract: Contract;
  readonly tools: ReadonlyMap<string, ToolCode>;
}

/**
 * Takes a toolset's definition apart. What nothing else can see is looked at here: that there is code, and that schemas are such;
 * all other rules are the gateway's, which names every fault at once.
 *
 * @throws ToolgateError INVALID_CONTRACT when a tool has no `run` function, INVALID_SCHEMA when a schema is none.
 */
export function prepareToolset(toolset: DynamicToolset): PreparedToolset {
  const schemas = new Map<string, ToolSchemas>();
  const tools = new Map<string, ToolCode>();
  for (const [name, tool] of Object.entries(toolset.tools)) {
    requireCode(name, tool);
    const read = readSchemas(name, tool);
    schemas.set(name, read);
    const run = checkedRun((input, context) => tool.run(input, context), read.payload, read.result);
    tools.set(name, { run, idempotent: tool.idempotent === true });
  }
  return { contract: wireContract(toolset, schemas), tools };
}

function readSchemas(tool: string, { payload, result }: DynamicTool): ToolSchemas {
  return {
    payload: readSchema(payload, { tool, field: "payload" }),
    result: result === undefined ? undefined : readSchema(result, { tool, field: "result" }),
  };
}

/** The gateway cannot see that code is missing: each call of the tool would fail. */
function requireCode(name: string, tool: unknown): void {
  if (typeof tool === "object" && tool !== null && "run" in tool && typeof tool.run === "function") return;
  const violation = { field: `tools[${name}].run`, description: "must be a function" };
  const message = `The tool ${name} has no code: its "run" must be a function.`;
  throw new ToolgateError("INVALID_CONTRACT", message, { executed: "no", violations: [violation] });
}
