import { failureOf } from "../errors.js";
import { listChanges } from "../list-changes.js";
import type { McpMethod, McpRequest } from "../mcp-request.js";
import { INVALID_PARAMS, readObject } from "../message.js";
import { type Notification, type Reply, result, rpcError } from "../reply.js";
import { META } from "../revision.js";

/** `subscriptions/listen`: a stream of the notifications that its client asks for, and of no others. */
export const listen: McpMethod = (request) => {
  const filter = readObject(request.params.get("notifications"));
  if (typeof filter !== "object") return rpcError(INVALID_PARAMS, "params/notifications must be an object.");
  const toolsListChanged = filter.get("toolsListChanged")?.toString() === "true";
  return { kind: "stream", messages: notifications(request, toolsListChanged) };
};

async function* notifications(
  { id, ask, endpoint }: McpRequest,
  toolsListChanged: boolean,
): AsyncGenerator<Notification, Reply | undefined, void> {
  const _meta = { [META.subscription]: id };
  const agreed = toolsListChanged ? { toolsListChanged } : {};
  yield { method: "notifications/subscriptions/acknowledged", params: { notifications: agreed, _meta } };
  try {
    for await (const _changed of listChanges(ask, endpoint.toolset))
      if (toolsListChanged) yield { method: "notifications/tools/list_changed", params: { _meta } };
  } catch (error) {
    // Another node goes on: the client listens anew.
    if (failureOf(error).error.reason !== "NODE_DRAINING") throw error;
  }
  return result({ resultType: "complete", _meta });
}
