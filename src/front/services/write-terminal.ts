import type { Executed } from "../../errors/codes.js";
import type { ToolgateError } from "../../errors/toolgate-error.js";
import { callErrorOf } from "../../gateway/call-error.js";
import type { CallId } from "../../identity/call-id.js";
import type { CallError } from "../../protocol/generated/toolgate/v1/CallError.js";
import type { Terminal } from "../../protocol/generated/toolgate/v1/Terminal.js";
import { type Ending, type EndKind, EXECUTED_BY_END } from "../../store/calls/call-record.js";

/** The ways in which calls end, by their names on the wire. */
export const WIRE_KIND = {
  result: "TERMINAL_KIND_RESULT",
  tool_error: "TERMINAL_KIND_TOOL_ERROR",
  not_executed: "TERMINAL_KIND_NOT_EXECUTED",
  cancelled: "TERMINAL_KIND_CANCELLED",
  outcome_unknown: "TERMINAL_KIND_OUTCOME_UNKNOWN",
  attempts_exhausted: "TERMINAL_KIND_ATTEMPTS_EXHAUSTED",
  unknown: "TERMINAL_KIND_UNSPECIFIED",
} as const satisfies Record<EndKind, string>;

const WIRE_EXECUTED = { no: "EXECUTED_NO", yes: "EXECUTED_YES", unknown: "EXECUTED_UNKNOWN" } as const satisfies Record<
  Executed,
  string
>;

const WIRE_ORIGIN = { gateway: "ERROR_ORIGIN_GATEWAY", tool: "ERROR_ORIGIN_TOOL" } as const;

/** A call's end on the wire: made of the record alone, so that every reader gets the same. */
export function writeTerminal(id: CallId, ending: Ending): Terminal {
  const terminal: Terminal = {
    callId: id,
    kind: WIRE_KIND[ending.kind],
    resultJson: ending.kind === "result" ? ending.body : Buffer.alloc(0),
    error: ending.kind === "result" ? null : writeError(ending),
    executed: WIRE_EXECUTED[EXECUTED_BY_END[ending.kind]],
    attempt: ending.attempt,
    endedAtMs: ending.endedAtMs,
  };
  // What is there is written: false would cost each call two bytes.
  return ending.unchecked ? { ...terminal, unchecked: true } : terminal;
}

/** A refusal before admission, as a terminal: on a session, where one call's error must not end the stream. */
export function writeRejection(error: ToolgateError): Terminal {
  return {
    callId: "",
    kind: "TERMINAL_KIND_REJECTED",
    error: {
      reason: error.reason,
      origin: "ERROR_ORIGIN_GATEWAY",
      message: error.message,
      grpcCode: error.status,
      retryAfterMs: error.retryAfterMs ?? 0,
      violations: [...error.violations],
      metadata: Object.entries(error.metadata).map(([name, value]) => ({ name, value })),
    },
    executed: WIRE_EXECUTED[error.executed],
  };
}

function writeError(ending: Ending): CallError {
  const { reason, origin, message, details, status, violations } = callErrorOf(ending);
  return {
    reason,
    ...(origin === undefined ? {} : { origin: WIRE_ORIGIN[origin] }),
    message,
    detailsJson: details,
    grpcCode: status,
    violations: [...violations],
  };
}
