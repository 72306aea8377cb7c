import type { JsonSchema, SealedContract, ToolContract } from "../../src/contract/contract.js";
import { sealContract } from "../../src/contract/seal-contract.js";
import { parseToolName, parseToolsetName } from "../../src/identity/names.js";

/** A sealed contract with tools of these schemas. */
export function sealTools(
  tools: Readonly<Record<string, { payload: JsonSchema; result?: JsonSchema }>>,
  name = "tools",
): SealedContract {
  return sealContract({
    name: parseToolsetName(name, "name"),
    version: "1.0.0",
    description: "",
    tags: [],
    tools: Object.entries(tools).map(
      ([name, schemas]): ToolContract => ({
        name: parseToolName(name, "tool"),
        description: "",
        tags: [],
        delivery: "once",
        ...schemas,
      }),
    ),
  });
}
