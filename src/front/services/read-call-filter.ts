import type { EndedFilter } from "../../gateway/list-ended-calls.js";
import { callerName } from "../../identity/caller-name.js";
import { invalidField, parseToolName } from "../../identity/names.js";
import type { TenantName } from "../../identity/tenant.js";
import { resolveToolset } from "../../identity/toolset-name.js";
import type { ListCallsRequest__Output } from "../../protocol/generated/toolgate/v1/ListCallsRequest.js";
import type { TerminalKind__Output } from "../../protocol/generated/toolgate/v1/TerminalKind.js";
import type { EndKind } from "../../store/calls/call-record.js";
import type { CallFilter } from "../../store/calls/list-calls.js";

/** Which calls are asked for. */
export type WhichCalls =
  | { readonly kind: "living"; readonly filter: CallFilter }
  | { readonly kind: "ended"; readonly filter: EndedFilter };

/** The most ways of ending that a request may name. */
const MAX_KINDS = 16;
/** As long as a principal's id may be. */
const MAX_PRINCIPAL_CHARACTERS = 512;

/**
 * Reads which calls a request asks for.
 *
 * @throws ToolgateError INVALID_REQUEST
 */
export function readCallFilter(request: ListCallsRequest__Output, tenant: TenantName): WhichCalls {
  const { principal, kinds, minTotalMs, sinceMs } = request;
  if (principal.length > MAX_PRINCIPAL_CHARACTERS)
    throw invalidField("principal", `must have at most ${MAX_PRINCIPAL_CHARACTERS} characters`);
  const filter = {
    toolset: request.toolset === "" ? undefined : resolveToolset(tenant, request.toolset, "toolset"),
    tool: request.tool === "" ? undefined : parseToolName(request.tool, "tool"),
    caller: principal === "" ? undefined : callerName({ tenant, id: principal }),
  };
  if (request.state === "CALL_STATE_ENDED") {
    if (kinds.length > MAX_KINDS) throw invalidField("kinds", `must be at most ${MAX_KINDS}`);
    if (minTotalMs < 0) throw invalidField("min_total_ms", "must not be negative");
    if (sinceMs < 0) throw invalidField("since_ms", "must not be negative");
    return { kind: "ended", filter: { ...filter, kinds: kinds.map(endKind), minTotalMs, sinceMs } };
  }
  if (kinds.length > 0) throw invalidField("kinds", ONLY_ENDED);
  if (minTotalMs !== 0) throw invalidField("min_total_ms", ONLY_ENDED);
  if (sinceMs !== 0) throw invalidField("since_ms", ONLY_ENDED);
  return { kind: "living", filter: { ...filter, state: STATES[request.state] } };
}

const ONLY_ENDED = "is only for calls that have ended: state CALL_STATE_ENDED";

const STATES = {
  CALL_STATE_UNSPECIFIED: undefined,
  CALL_STATE_QUEUED: "queued",
  CALL_STATE_CLAIMED: "claimed",
} as const;

function endKind(kind: TerminalKind__Output): EndKind {
  switch (kind) {
    case "TERMINAL_KIND_RESULT":
      return "result";
    case "TERMINAL_KIND_TOOL_ERROR":
      return "tool_error";
    case "TERMINAL_KIND_NOT_EXECUTED":
      return "not_executed";
    case "TERMINAL_KIND_CANCELLED":
      return "cancelled";
    case "TERMINAL_KIND_OUTCOME_UNKNOWN":
      return "outcome_unknown";
    case "TERMINAL_KIND_ATTEMPTS_EXHAUSTED":
      return "attempts_exhausted";
    case "TERMINAL_KIND_REJECTED":
      throw invalidField(
        "kinds",
        "must be ways in which admitted calls end; one that is rejected is not admitted, and is not listed",
      );
    case "TERMINAL_KIND_UNSPECIFIED":
      throw invalidField("kinds", "must be ways in which calls end");
    default:
      return kind satisfies never;
  }
}
