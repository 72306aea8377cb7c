import type { CallId } from "../../identity/call-id.js";
import type { TenantName } from "../../identity/tenant.js";
import { shownToolset } from "../../identity/toolset-name.js";
import type { CallHandle } from "../../protocol/generated/toolgate/v1/CallHandle.js";
import type { CallHead } from "../../store/calls/call-record.js";

/**
 * A call's handle on the wire.
 *
 * @param tenant of the reader, which knows the toolset by another name than those of other tenants.
 * @param warnings what its caller asked for just now and did not get.
 */
export function writeHandle(
  id: CallId,
  head: CallHead,
  tenant: TenantName,
  warnings: readonly string[] = [],
): CallHandle {
  return {
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    callId: id,
    toolset: shownToolset(tenant, head.toolset),
    tool: head.tool,
    epoch: head.epoch,
    digest: head.digest,
    deadlineMs: head.deadlineMs,
    expiresMs: head.deadlineMs + head.retentionMs,
  };
}
