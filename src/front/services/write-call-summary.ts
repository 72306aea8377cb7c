import { fromWord } from "../../identity/caller-name.js";
import type { TenantName } from "../../identity/tenant.js";
import type { CallSummary } from "../../protocol/generated/toolgate/v1/CallSummary.js";
import type { CallHead } from "../../store/calls/call-record.js";
import type { EndedCall } from "../../store/calls/ended-calls.js";
import type { ListedCall } from "../../store/calls/list-calls.js";
import { writeHandle } from "./write-handle.js";
import { WIRE_KIND } from "./write-terminal.js";

/** Where calls stand, by their names on the wire. */
export const WIRE_STATE = {
  queued: "CALL_STATE_QUEUED",
  claimed: "CALL_STATE_CLAIMED",
  ended: "CALL_STATE_ENDED",
  unknown: "CALL_STATE_UNSPECIFIED",
} as const;

/**
 * A call that has not ended, as lists have it.
 *
 * @param tenant of the reader.
 */
export function writeLivingCall(call: ListedCall, tenant: TenantName): CallSummary {
  const { id, head, state, attempt, cancelRequested, queuedAtMs, claimedMs, claim } = call;
  return {
    handle: writeHandle(id, head, tenant),
    state: WIRE_STATE[state],
    attempt,
    cancelRequested,
    queuedAtMs,
    claimEndsMs: claim?.endsMs ?? 0,
    providerId: claim?.provider ?? "",
    nodeId: claim?.node ?? "",
    principal: principalOf(head),
    admittedAtMs: head.admittedMs,
    firstClaimedAtMs: claimedMs,
  };
}

/**
 * A call that has ended, as lists have it.
 *
 * @param tenant of the reader.
 */
export function writeEndedCall(call: EndedCall, tenant: TenantName): CallSummary {
  const { id, head, kind, reason, attempt, claimedMs, endedMs, node, provider } = call;
  return {
    handle: writeHandle(id, head, tenant),
    state: WIRE_STATE.ended,
    attempt,
    providerId: provider,
    nodeId: node,
    principal: principalOf(head),
    admittedAtMs: head.admittedMs,
    firstClaimedAtMs: claimedMs,
    endedAtMs: endedMs,
    kind: WIRE_KIND[kind],
    reason,
  };
}

function principalOf({ caller }: CallHead): string {
  return fromWord(caller.slice(caller.indexOf(" ") + 1));
}
