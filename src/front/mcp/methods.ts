import type { McpMethod } from "./mcp-request.js";
import { discover } from "./methods/discover.js";
import { initialize } from "./methods/initialize.js";
import { listen } from "./methods/listen.js";
import { cancelTask, getTask, updateTask } from "./methods/tasks.js";
import { result } from "./reply.js";

/** The methods of revision 2026-07-28. */
export const MODERN_METHODS: ReadonlyMap<string, McpMethod> = new Map<string, McpMethod>([
  ["server/discover", discover],
  ["tools/list", (request) => request.endpoint.listTools(request)],
  ["tools/call", (request) => request.endpoint.callTool(request)],
  ["subscriptions/listen", listen],
  ["tasks/get", getTask],
  ["tasks/update", updateTask],
  ["tasks/cancel", cancelTask],
]);

/** The methods of the revisions before it. */
export const LEGACY_METHODS: ReadonlyMap<string, McpMethod> = new Map<string, McpMethod>([
  ["initialize", initialize],
  ["ping", () => result({})],
  ["tools/list", (request) => request.endpoint.listTools(request)],
  ["tools/call", (request) => request.endpoint.callTool(request)],
]);
