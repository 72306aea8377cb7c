import { ERROR_CODES } from "../../errors/codes.js";
import type { CallHandle } from "../../protocol/generated/toolgate/v1/CallHandle.js";
import type { Terminal } from "../../protocol/generated/toolgate/v1/Terminal.js";
import { headersOf, PROBLEM_TYPE, typeOf } from "./problem.js";
import type { Answer } from "./route.js";
import { errorOf, executedOf, handleOf } from "./schemas/call-schemas.js";
import { rawOf } from "./schemas/raw.js";
import { wordOf } from "./schemas/words.js";

type WholeAnswer = Extract<Answer, { status: number }>;

/** What is said of a call besides its end. A warning holds no line break, and is cut to what a header takes. */
function callHeaders(handle: CallHandle | null | undefined, attempt: number): Record<string, string> {
  const warnings = (handle?.warnings ?? [])
    .join("; ")
    .replace(/[^ -~]/g, "?")
    .slice(0, 1_024);
  return {
    "toolgate-call-id": handle?.callId ?? "",
    "toolgate-attempt": String(attempt),
    ...(warnings === "" ? {} : { "toolgate-warnings": warnings }),
  };
}

/** A call that has ended: its result as the whole answer, or a problem that says how it ended. */
export function endedAnswer(handle: CallHandle | null | undefined, terminal: Terminal): WholeAnswer {
  const { attempt = 0, kind, error, executed } = terminal;
  const headers = callHeaders(handle, attempt);
  if (kind === "TERMINAL_KIND_RESULT") return { status: 200, headers, body: rawOf(terminal.resultJson) ?? null };
  const { message, reason, origin, ...more } = errorOf(error ?? {});
  const known = origin === "gateway" && Object.hasOwn(ERROR_CODES, reason);
  const status = known ? ERROR_CODES[reason as keyof typeof ERROR_CODES].http : ERROR_CODES.TOOL_ERROR.http; // its own key
  return {
    status,
    contentType: PROBLEM_TYPE,
    headers: { ...headers, ...headersOf(status, more.retryAfterMs as number | undefined) }, // of an error's own
    body: {
      ...typeOf(known ? reason : "TOOL_ERROR"),
      status,
      detail: message,
      reason,
      executed: executedOf(executed),
      ...more,
      origin,
      callId: terminal.callId ?? handle?.callId ?? "",
      kind: wordOf("TERMINAL_KIND_", kind),
      attempt,
      endedAtMs: Number(terminal.endedAtMs ?? 0),
    },
  };
}

/** A call that goes on: where its end will be. */
export function acceptedAnswer(handle: CallHandle | null | undefined, repeatedRequest: boolean): WholeAnswer {
  const location = `/v1/calls/${encodeURIComponent(handle?.callId ?? "")}`;
  return {
    status: 202,
    headers: { ...callHeaders(handle, 0), location, "preference-applied": "respond-async" },
    body: { ...handleOf(handle), repeatedRequest },
  };
}
