import { ERROR_CODES, isErrorReason } from "../errors/codes.js";
import type { GrpcStatus } from "../errors/grpc-status.js";
import type { Violation } from "../errors/toolgate-error.js";
import { slicesOf } from "../json/json-slices.js";
import type { Ending } from "../store/calls/call-record.js";
import type { ToolErrorBody } from "../store/calls/tool-error-body.js";

/** Why a call has no result. */
export interface CallError {
  readonly reason: string;
  /** Whose word the reason is; absent where the node that took the answer did not say. */
  readonly origin: "gateway" | "tool" | undefined;
  readonly message: string;
  /** JSON, as the tool wrote it; empty where there is none. */
  readonly details: Buffer;
  /** The status that a unary call would carry. */
  readonly status: GrpcStatus;
  readonly violations: readonly Violation[];
}

/** Why a call that ended without a result has none: made of its record alone, so that every reader gets the same. */
export function callErrorOf(ending: Ending): CallError {
  const body = ending.kind === "unknown" ? undefined : readBody(ending.body);
  // Only what a tool says of itself has a body that it wrote; whose word it is, the node said that took it.
  const isTold = ending.kind === "tool_error" || ending.kind === "outcome_unknown";
  const origin = isTold && body !== undefined ? body.origin : "gateway";
  const { reason } = ending;
  const code = origin !== "tool" && isErrorReason(reason) ? ERROR_CODES[reason] : ERROR_CODES.TOOL_ERROR;
  return {
    reason,
    origin,
    message: body?.message ?? `${code.meaning} ${code.remedy}`,
    details: body?.details ?? Buffer.alloc(0),
    status: code.status,
    violations: body?.violations ?? [],
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
