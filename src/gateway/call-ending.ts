import { ERROR_CODES, type Executed, isErrorReason } from "../errors/codes.js";
import type { ToolgateError, Violation } from "../errors/toolgate-error.js";
import type { CallId } from "../identity/call-id.js";
import { slicesOf } from "../json/json-slices.js";
import type { CallError } from "../protocol/generated/toolgate/v1/CallError.js";
import type { CallHandle } from "../protocol/generated/toolgate/v1/CallHandle.js";
import type { Terminal } from "../protocol/generated/toolgate/v1/Terminal.js";
import type { EndKind } from "../store/calls/call-record.js";
import { type CallHead, type Ending, EXECUTED_BY_END } from "../store/calls/call-record.js";
import type { ToolErrorBody } from "../store/calls/tool-error-body.js";

const WIRE_KIND = {
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

/** A call's handle on the wire. @param warnings what its caller asked for just now and did not get. */
export function toWireHandle(id: CallId, head: CallHead, warnings: readonly string[] = []): CallHandle {
  return {
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    callId: id,
    toolset: head.toolset,
    tool: head.tool,
    epoch: head.epoch,
    digest: head.digest,
    deadlineMs: head.deadlineMs,
    expiresMs: head.deadlineMs + head.retentionMs,
  };
}

/** A call's end on the wire: made of the record alone, so that every reader gets the same. */
export function toWireTerminal(id: CallId, ending: Ending): Terminal {
  const terminal: Terminal = {
    callId: id,
    kind: WIRE_KIND[ending.kind],
    resultJson: ending.kind === "result" ? ending.body : Buffer.alloc(0),
    error: ending.kind === "result" ? null : endingError(ending),
    executed: WIRE_EXECUTED[EXECUTED_BY_END[ending.kind]],
    attempt: ending.attempt,
    endedAtMs: ending.endedAtMs,
  };
  // What is there is written: false would cost each call two bytes.
  return ending.unchecked ? { ...terminal, unchecked: true } : terminal;
}

/** A refusal before admission, as a terminal: on a session, where one call's error must not end the stream. */
export function toWireRejection(error: ToolgateError): Terminal {
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
    },
    executed: WIRE_EXECUTED[error.executed],
  };
}

function endingError(ending: Ending): CallError {
  const body = ending.kind === "unknown" ? undefined : readBody(ending.body);
  // Only a tool's error has a body that a tool wrote; whose word it is, the node said that took it.
  const origin = ending.kind === "tool_error" && body !== undefined ? body.origin : "gateway";
  const { reason } = ending;
  const code = origin !== "tool" && isErrorReason(reason) ? ERROR_CODES[reason] : ERROR_CODES.TOOL_ERROR;
  return {
    reason,
    ...(origin === undefined ? {} : { origin: WIRE_ORIGIN[origin] }),
    message: body?.message ?? `${code.meaning} ${code.remedy}`,
    detailsJson: body?.details ?? Buffer.alloc(0),
    grpcCode: code.status,
    violations: [...(body?.violations ?? [])],
  };
}

interface ReadBody extends Omit<ToolErrorBody, "details" | "message"> {
  readonly message: string | undefined;
  /** As the tool wrote them: parsed, they would take long, and have other numbers. */
  readonly details: Buffer | undefined;
}

/** Reads a body that a node wrote, perhaps one of another version: what is not as expected is left out. Nothing for no object. */
function readBody(json: Buffer): ReadBody | undefined {
  if (json.length === 0) return undefined;
  let details: Buffer | undefined;
  const others = new Map<string, unknown>();
  try {
    for (const { key = "", start, end } of slicesOf(json)) {
      const value = json.subarray(start, end);
      if (key === "details") details = value;
      else if (BODY_MEMBERS.has(key)) others.set(key, JSON.parse(value.toString()));
    }
  } catch {
    return undefined;
  }
  const [message, origin, violations] = [others.get("message"), others.get("origin"), others.get("violations")];
  return {
    message: typeof message === "string" ? message : undefined,
    ...(origin === "gateway" || origin === "tool" ? { origin } : {}),
    violations: Array.isArray(violations) ? violations.filter(isViolation) : [],
    details,
  };
}

const BODY_MEMBERS: ReadonlySet<string> = new Set([
  "message",
  "origin",
  "violations",
] satisfies (keyof ToolErrorBody)[]);

function isViolation(value: unknown): value is Violation {
  if (typeof value !== "object" || value === null) return false;
  const { field, description } = value as Partial<Record<keyof Violation, unknown>>;
  return typeof field === "string" && typeof description === "string";
}
