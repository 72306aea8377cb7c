import type { ToolContract } from "../contract/contract.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { ToolName } from "../identity/names.js";
import { didYouMean, nearNames } from "../identity/near-names.js";

/** The error for a tool that a toolset does not have: with the near names that it has. */
export function unknownTool(toolset: string, tool: ToolName, tools: readonly ToolContract[]): ToolgateError {
  const near = nearNames(
    tool,
    tools.map(({ name }) => name),
  );
  return new ToolgateError("UNKNOWN_TOOL", `"${toolset}" has no tool "${tool}"${didYouMean(near)}`, {
    metadata: { near: near.join(" ") },
  });
}
