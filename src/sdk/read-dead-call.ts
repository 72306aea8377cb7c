import type { DeadCall__Output } from "../protocol/generated/toolgate/v1/DeadCall.js";
import type { DeadCall } from "./dead-call.js";

/** What the wire says of a dead call, as the client's type. */
export function readDeadCall(wire: DeadCall__Output): DeadCall {
  const { id, callId, toolset, tool, epoch, reason, attempts, diedAtMs, payloadBytes } = wire;
  return { id, callId, toolset, tool, epoch, reason, attempts, diedAt: new Date(diedAtMs), payloadBytes };
}
