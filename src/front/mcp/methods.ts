import type { McpMethod } from "./mcp-request.js";
import { callTool } from "./methods/call-tool.js";
import { discover } from "./methods/discover.js";
import { initialize } from "./methods/initialize.js";
import { listTools } from "./methods/list-tools.js";
import { listen } from "./methods/listen.js";
import { cancelTask, getTask, updateTask } from "./methods/tasks.js";
import { result } from "./reply.js";

/** The methods of revision 2026-07-28. */
export const MODERN_METHODS: ReadonlyMap<string, McpMethod> = new Map([
  ["server/discover", discover],
  ["tools/list", listTools],
  ["tools/call", callTool],
  ["subscriptions/listen", listen],
  ["tasks/get", getTask],
  ["tasks/update", updateTask],
  ["tasks/cancel", cancelTask],
]);

/** The methods of the revisions before it. */
export const LEGACY_METHODS: ReadonlyMap<string, McpMethod> = new Map<string, McpMethod>([
  ["initialize", initialize],
  ["ping", () => result({})],
  ["tools/list", listTools],
  ["tools/call", callTool],
]);
