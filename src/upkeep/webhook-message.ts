import { callErrorOf } from "../gateway/call-error.js";
import { fromWord, tenantOfCaller } from "../identity/caller-name.js";
import type { TenantName } from "../identity/tenant.js";
import { shownToolset } from "../identity/toolset-name.js";
import { RawJson, stringifyJson } from "../json/raw-json.js";
import { type Ending, EXECUTED_BY_END } from "../store/calls/call-record.js";
import type { EndedCall } from "../store/calls/ended-calls.js";
import { USUAL_RESULT_BYTES, type WebhookSpec } from "../webhooks/webhook.js";

/** What a webhook is told when a call has ended: `type`, `timestamp` and `data`, as Standard Webhooks has payloads. */
const CALL_ENDED = "call.ended";

/**
 * The message that tells a webhook how a call ended: its facts, and what it carries only where the webhook's document says so.
 *
 * @param tenant the webhook's, by whose names the toolset is named
 * @param ending the call's end; undefined where the document does not ask for it, or its record has expired
 */
export function callEndedMessage(
  call: EndedCall,
  tenant: TenantName,
  spec: Pick<WebhookSpec, "includeResult" | "maxResultBytes">,
  ending: Ending | undefined,
): Buffer {
  const { head, kind } = call;
  const caller = tenantOfCaller(head.caller);
  const message = {
    type: CALL_ENDED,
    timestamp: new Date(call.endedMs).toISOString(),
    data: {
      callId: call.id,
      toolset: shownToolset(tenant, head.toolset),
      tool: head.tool,
      epoch: head.epoch,
      tenant: caller,
      principal: fromWord(head.caller.slice(caller.length + 1)),
      kind: kind === "unknown" ? "unspecified" : kind,
      ...(call.reason === "" ? {} : { reason: call.reason }),
      executed: EXECUTED_BY_END[kind],
      attempt: call.attempt,
      admittedAtMs: head.admittedMs,
      ...(call.claimedMs === 0 ? {} : { startedAtMs: call.claimedMs }),
      endedAtMs: call.endedMs,
      ...(spec.includeResult === true ? carried(kind, ending, spec.maxResultBytes ?? USUAL_RESULT_BYTES) : {}),
    },
  };
  return Buffer.from(stringifyJson(message) ?? "");
}

/** The result, or what is said of the error; `omitted` says why it is not there. */
function carried(kind: EndedCall["kind"], ending: Ending | undefined, maxBytes: number): object {
  if (ending === undefined) return { omitted: "expired" };
  if (ending.body.length > maxBytes) return { omitted: "too_large" };
  if (kind === "result") return { result: new RawJson(ending.body), ...(ending.unchecked ? { unchecked: true } : {}) };
  const { message, details } = callErrorOf(ending);
  return { error: { message, ...(details.length === 0 ? {} : { details: new RawJson(details) }) } };
}
