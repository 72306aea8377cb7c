import { isToolName } from "../../identity/names.js";
import type { HttpMethod } from "./operations.js";

const MAX_CHARACTERS = 128;

/**
 * The name of an operation's tool: its `operationId`, or its method and path, with `_` for what a tool's name does not have. It
 * depends on the operation alone, so that other operations that come and go do not change it.
 */
export function toolNameOf(operationId: string | undefined, method: HttpMethod, path: string): string {
  const own = operationId === undefined ? "" : cleaned(operationId);
  return own !== "" ? own : cleaned(`${method.toLowerCase()}_${path}`);
}

function cleaned(text: string): string {
  const name = text
    .replace(/[^A-Za-z0-9_.-]+/g, "_")
    .replace(/_{2,}/g, "_")
    .replace(/^[_.-]+|_+$/g, "")
    .slice(0, MAX_CHARACTERS);
  return isToolName(name) ? name : "";
}
