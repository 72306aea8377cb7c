import { isErrorReason } from "../errors/codes.js";
import { ToolgateError } from "../errors/toolgate-error.js";
import type { CallHandle__Output } from "../protocol/generated/toolgate/v1/CallHandle.js";
import type { CallState__Output } from "../protocol/generated/toolgate/v1/CallState.js";
import type { CallSummary__Output } from "../protocol/generated/toolgate/v1/CallSummary.js";
import type { Executed__Output } from "../protocol/generated/toolgate/v1/Executed.js";
import type { OutputDelta__Output } from "../protocol/generated/toolgate/v1/OutputDelta.js";
import type { Terminal__Output } from "../protocol/generated/toolgate/v1/Terminal.js";
import type { TerminalKind__Output } from "../protocol/generated/toolgate/v1/TerminalKind.js";
import type { CallHandle, CallState, CallSummary, EndedCallSummary } from "./call.js";
import type { CallDelta } from "./call-options.js";
import { ifDefined } from "./if-defined.js";
import type { DecodeJson } from "./json-bytes.js";
import type { CallTerminal, ErrorOrigin, RejectedTerminal } from "./terminal.js";
import { ToolCallError } from "./tool-call-error.js";

/** What the wire says of calls, as the client's types. */

const EXECUTED = {
  EXECUTED_UNSPECIFIED: "unknown",
  EXECUTED_NO: "no",
  EXECUTED_YES: "yes",
  EXECUTED_UNKNOWN: "unknown",
} as const satisfies Record<Executed__Output, string>;

const STATES = {
  CALL_STATE_UNSPECIFIED: "claimed", // a state that its node does not know: it has not ended, and may run
  CALL_STATE_QUEUED: "queued",
  CALL_STATE_CLAIMED: "claimed",
  CALL_STATE_ENDED: "ended",
} as const satisfies Record<CallState__Output, CallState>;

export function readTerminal<Value>(wire: Terminal__Output, decode: DecodeJson<Value>): CallTerminal<Value> {
  const { callId, attempt, error } = wire;
  const executed = EXECUTED[wire.executed] ?? "unknown"; // a newer node may know more
  const endedAt = new Date(wire.endedAtMs);
  // The usual end first, and as one literal: spread from another one, it took 4 µs.
  if (wire.kind === "TERMINAL_KIND_RESULT") {
    return {
      callId,
      executed,
      attempt,
      endedAt,
      unchecked: wire.unchecked,
      kind: "result",
      result: decode(wire.resultJson),
    };
  }
  const reason = error?.reason ?? "INTERNAL";
  const message = error?.message ?? "No reason was given.";
  const failed = { callId, executed, attempt, endedAt, reason, origin: originOf(wire), message };
  const hasDetails = error !== null && error.detailsJson.length > 0;
  const full = hasDetails ? { ...failed, details: decode(error.detailsJson) } : failed;
  switch (wire.kind) {
    case "TERMINAL_KIND_REJECTED": {
      const violations = (error?.violations ?? []).map(({ field, description }) => ({ field, description }));
      const metadata = Object.fromEntries((error?.metadata ?? []).map(({ name, value }) => [name, value]));
      const retryAfterMs = error?.retryAfterMs ?? 0;
      return { ...full, kind: "rejected", violations, metadata, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) };
    }
    case "TERMINAL_KIND_TOOL_ERROR":
      return { ...full, kind: "tool_error" };
    case "TERMINAL_KIND_NOT_EXECUTED":
      return { ...full, kind: "not_executed" };
    case "TERMINAL_KIND_CANCELLED":
      return { ...full, kind: "cancelled" };
    case "TERMINAL_KIND_ATTEMPTS_EXHAUSTED":
      return { ...full, kind: "attempts_exhausted" };
    case "TERMINAL_KIND_OUTCOME_UNKNOWN":
    case "TERMINAL_KIND_UNSPECIFIED":
      return { ...full, kind: "outcome_unknown" };
    default:
      wire.kind satisfies never;
      return { ...full, kind: "outcome_unknown" }; // one that only newer nodes know
  }
}

/** A node that does not say it, or says what only newer ones know: what the tool itself may have written is taken for its own. */
function originOf({ kind, error }: Terminal__Output): ErrorOrigin {
  if (error?.origin === "ERROR_ORIGIN_TOOL") return "tool";
  if (error?.origin === "ERROR_ORIGIN_GATEWAY") return "gateway";
  return kind === "TERMINAL_KIND_TOOL_ERROR" ? "tool" : "gateway";
}

/** The result, or the error that a terminal without one stands for. */
export function resultOf(terminal: CallTerminal): unknown {
  switch (terminal.kind) {
    case "result":
      return terminal.result;
    case "rejected":
      throw refusalOf(terminal);
    default:
      throw new ToolCallError(terminal);
  }
}

/** A refusal on a session, as the error that a unary request would have been answered with. */
export function refusalOf(terminal: RejectedTerminal): ToolgateError {
  const { reason, message, executed, violations, metadata, retryAfterMs } = terminal;
  const known = isErrorReason(reason);
  return new ToolgateError(known ? reason : "INTERNAL", known ? message : `${reason}: ${message}`, {
    executed,
    violations,
    metadata,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

export function readHandle(wire: CallHandle__Output): CallHandle {
  return {
    callId: wire.callId,
    toolset: wire.toolset,
    tool: wire.tool,
    epoch: wire.epoch,
    digest: wire.digest,
    deadline: new Date(wire.deadlineMs),
    expires: new Date(wire.expiresMs),
    warnings: wire.warnings,
  };
}

/** Nothing for a call without a handle: no node sends one. */
export function readCallSummary(wire: CallSummary__Output, readAt: Date): CallSummary | undefined {
  const { handle, state, attempt, cancelRequested, queuedAtMs, claimEndsMs, providerId, nodeId } = wire;
  if (handle === null) return undefined;
  const summary = {
    ...readHandle(handle),
    ...readListed(wire),
    attempt,
    cancelRequested,
    queuedAt: new Date(queuedAtMs),
    readAt,
  };
  if (state !== "CALL_STATE_CLAIMED") return { ...summary, state: "queued" };
  return { ...summary, state: "claimed", claim: { provider: providerId, node: nodeId, ends: new Date(claimEndsMs) } };
}

/** Nothing for a call without a handle: no node sends one. */
export function readEndedCall(wire: CallSummary__Output, sampled: boolean): EndedCallSummary | undefined {
  const { handle, attempt, kind, reason, endedAtMs, providerId, nodeId } = wire;
  if (handle === null) return undefined;
  return {
    ...readHandle(handle),
    ...readListed(wire),
    state: "ended",
    attempt,
    kind: END_KINDS[kind] ?? "outcome_unknown", // a newer node may know more
    reason,
    endedAt: new Date(endedAtMs),
    ...ifDefined("provider", providerId || undefined),
    ...ifDefined("node", nodeId || undefined),
    sampled,
  };
}

function readListed({ principal, admittedAtMs, firstClaimedAtMs }: CallSummary__Output) {
  return {
    principal,
    ...ifDefined("admittedAt", admittedAtMs === 0 ? undefined : new Date(admittedAtMs)),
    ...ifDefined("firstClaimedAt", firstClaimedAtMs === 0 ? undefined : new Date(firstClaimedAtMs)),
  };
}

const END_KINDS = {
  TERMINAL_KIND_UNSPECIFIED: "outcome_unknown",
  TERMINAL_KIND_RESULT: "result",
  TERMINAL_KIND_TOOL_ERROR: "tool_error",
  TERMINAL_KIND_REJECTED: "not_executed", // no node lists one
  TERMINAL_KIND_NOT_EXECUTED: "not_executed",
  TERMINAL_KIND_CANCELLED: "cancelled",
  TERMINAL_KIND_OUTCOME_UNKNOWN: "outcome_unknown",
  TERMINAL_KIND_ATTEMPTS_EXHAUSTED: "attempts_exhausted",
} as const satisfies Record<TerminalKind__Output, EndedCallSummary["kind"]>;

export function readState(wire: CallState__Output): CallState {
  return STATES[wire] ?? "claimed"; // one that only newer nodes know: it has not ended
}

export function readDelta<Value>(wire: OutputDelta__Output, decode: DecodeJson<Value>): CallDelta<Value> {
  return { data: decode(wire.dataJson), cursor: wire.cursor, attempt: wire.attempt };
}
