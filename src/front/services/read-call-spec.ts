import { parseMeta, repeatIds } from "../../gateway/call-meta.js";
import type { CallSpec } from "../../gateway/call-spec.js";
import { invalidField, parseDigest, parseToolName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset, shownToolset } from "../../identity/toolset-name.js";
import { isSampled, type TraceContext } from "../../observe/traces/trace-context.js";
import type { CallSpec__Output } from "../../protocol/generated/toolgate/v1/CallSpec.js";
import { isDocumentName } from "../../store/documents/document-ref.js";

const EMPTY_OBJECT = Buffer.from("{}");

/** Reads a call from the wire, with the names of a caller of this tenant. @throws ToolgateError INVALID_REQUEST */
export function readCallSpec(wire: CallSpec__Output | null, trace: TraceContext, tenant: TenantName): CallSpec {
  if (wire === null) throw invalidField("call", "is missing");
  const meta = parseMeta(wire.meta, trace);
  const toolset = resolveToolset(tenant, wire.toolset, "call.toolset");
  const repeatable = repeatIds(meta) !== undefined;
  return {
    toolset,
    shown: shownToolset(tenant, toolset),
    tool: parseToolName(wire.tool, "call.tool"),
    payload: wire.payloadJson.length === 0 ? EMPTY_OBJECT : wire.payloadJson,
    meta,
    ...(isSampled(meta.traceparent) ? { transport: transportOf(meta.traceparent, trace) } : {}),
    repeatable,
    expectDigest: wire.expectDigest === "" ? undefined : parseDigest(wire.expectDigest, "call.expect_digest"),
    wait: wire.wait === "WAIT_POLICY_WAIT",
    continueOnDisconnect: readContinues(wire.onDisconnect, repeatable),
    timeoutMs: wire.timeoutMs,
    ...(wire.webhook === "" ? {} : { webhook: parseWebhookName(wire.webhook) }),
    lostNodes: wire.lostNodes,
  };
}

/** A document's name; whether there is one, its tenant's documents say. @throws ToolgateError INVALID_REQUEST */
function parseWebhookName(text: string): string {
  if (!isDocumentName(text)) throw invalidField("call.webhook", "must be the name of a webhook, such as billing");
  return text;
}

/** The trace of the request itself, if the call has another one: the call's own counts. */
function transportOf(own: string | undefined, { traceparent }: TraceContext): string | undefined {
  return traceparent === own ? undefined : traceparent;
}

/** Whether a call goes on when its caller goes. */
export function outlivesCaller({ onDisconnect, meta }: Pick<CallSpec__Output, "onDisconnect" | "meta">): boolean {
  return readContinues(onDisconnect, meta !== null && meta.runId !== "" && meta.toolCallId !== "");
}

/** A caller that gave ids will come back for its call; one that did not, cannot. */
function readContinues(policy: CallSpec__Output["onDisconnect"], repeatable: boolean): boolean {
  if (policy === "ON_DISCONNECT_CONTINUE") return true;
  if (policy === "ON_DISCONNECT_CANCEL") return false;
  return repeatable;
}
