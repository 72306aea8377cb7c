import { ToolgateError } from "../../src/errors/toolgate-error.js";
import { nearestWord } from "../../src/identity/nearest-word.js";
import type { Tool, Toolset } from "../../src/index.js";
import { oneLine } from "../output/text-width.js";

/** A tool of a toolset by its name. @throws ToolgateError UNKNOWN_TOOL, with what is near */
export function findTool({ name, tools }: Toolset, wanted: string): Tool {
  const found = tools.find((tool) => tool.name === wanted);
  if (found !== undefined) return found;
  const names = tools.map((tool) => tool.name);
  const near = nearestWord(wanted, names);
  const hint = near === undefined ? `It has: ${names.slice(0, 20).join(", ")}.` : `Did you mean ${near}?`;
  throw new ToolgateError("UNKNOWN_TOOL", `The toolset ${name} has no tool ${oneLine(wanted)}. ${hint}`);
}
