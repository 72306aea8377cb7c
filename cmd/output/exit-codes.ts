import type { CallTerminal, ErrorReason } from "../../src/index.js";

interface ExitCodeRow {
  readonly code: number;
  readonly meaning: string;
}

/** Every exit status of the command line, once; `toolgate --help` prints it. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: "Done." },
  internal: { code: 1, meaning: "A fault of Toolgate itself." },
  badInput: { code: 2, meaning: "Wrong use, or input that was refused: nothing was done." },
  notFound: { code: 3, meaning: "No such toolset, tool, call or document." },
  refused: {
    code: 4,
    meaning: "Refused as things stand: no right to do it, or another contract, epoch, call or owner is there.",
  },
  unavailable: {
    code: 5,
    meaning: "Not available now: no node, no Redis, no healthy provider, or a limit. Try again.",
  },
  toolFailed: { code: 6, meaning: "The tool ran and failed." },
  unknown: { code: 7, meaning: "The deadline passed, or nobody can say whether the tool ran." },
  cancelled: { code: 8, meaning: "The call was cancelled, by another caller." },
  interrupted: { code: 130, meaning: "Interrupted (Ctrl-C); SIGTERM gives 143." },
} as const satisfies Record<string, ExitCodeRow>;

/** A key of the table. */
export type ExitName = keyof typeof EXIT_CODES;

/** The exit status of each reason of the error table. */
export const REASON_EXITS = {
  INVALID_REQUEST: "badInput",
  INVALID_CONTRACT: "badInput",
  INVALID_SCHEMA: "badInput",
  MALFORMED_JSON: "badInput",
  PAYLOAD_TOO_LARGE: "badInput",
  INVALID_PAYLOAD: "badInput",
  INVALID_CONFIG: "badInput",
  UNKNOWN_TOOLSET: "notFound",
  UNKNOWN_TOOL: "notFound",
  UNKNOWN_CALL: "notFound",
  UNKNOWN_SERVICE: "notFound",
  TOOLSET_DAMAGED: "refused",
  CONTRACT_CONFLICT: "refused",
  DIGEST_MISMATCH: "refused",
  EPOCH_MISMATCH: "refused",
  LEASE_LOST: "refused",
  NOT_OWNER: "refused",
  UNAUTHENTICATED: "refused",
  FORBIDDEN: "refused",
  DOCUMENT_CONFLICT: "refused",
  INVALID_DOCUMENT: "badInput",
  UNKNOWN_DOCUMENT: "notFound",
  ACCESS_CHANGED: "unavailable",
  TOO_MANY_ATTEMPTS: "unavailable",
  RATE_LIMITED: "unavailable",
  BUDGET_EXHAUSTED: "unavailable",
  LOOP: "refused",
  CALL_CONFLICT: "refused",
  UNSUPPORTED: "refused",
  NO_HEALTHY_PROVIDER: "unavailable",
  VERDICT_UNAVAILABLE: "unavailable",
  PAYLOAD_TOO_COSTLY: "badInput",
  STORE_UNAVAILABLE: "unavailable",
  NODE_DRAINING: "unavailable",
  NODE_BUSY: "unavailable",
  NODE_UNREACHABLE: "unavailable",
  BACKLOG_FULL: "unavailable",
  NODES_OUTDATED: "unavailable",
  STORE_FULL: "unavailable",
  MESSAGE_TOO_LARGE: "badInput",
  LIMIT_EXCEEDED: "unavailable",
  EPOCH_GONE: "unavailable",
  TOOL_ERROR: "toolFailed",
  INVALID_RESULT: "toolFailed",
  OUTPUT_TOO_LARGE: "toolFailed",
  DEADLINE_EXCEEDED: "unknown",
  PROVIDER_LOST: "unknown",
  STATE_LOST: "unknown",
  ATTEMPTS_EXHAUSTED: "unknown",
  CANCELLED: "cancelled",
  UNKNOWN_ROUTE: "notFound",
  METHOD_NOT_ALLOWED: "notFound",
  UNSUPPORTED_MEDIA_TYPE: "badInput",
  EXPECTATION_FAILED: "badInput",
  REQUEST_TIMEOUT: "unavailable",
  HEADERS_TOO_LARGE: "badInput",
  MISDIRECTED: "refused",
  FORBIDDEN_ORIGIN: "refused",
  INTERNAL: "internal",
} as const satisfies Record<ErrorReason, ExitName>;

/** The exit status of a call's ending. */
export function exitOfTerminal(terminal: CallTerminal): ExitName {
  switch (terminal.kind) {
    case "result":
      return "ok";
    case "tool_error":
      return "toolFailed";
    case "outcome_unknown":
    case "attempts_exhausted":
      return "unknown";
    case "cancelled":
    case "rejected":
    case "not_executed":
      return exitOfReason(terminal.reason);
    default:
      return terminal satisfies never;
  }
}

/** The exit status of a reason; one that the table lacks comes from a newer node. */
export function exitOfReason(reason: string): ExitName {
  return Object.hasOwn(REASON_EXITS, reason) ? REASON_EXITS[reason as ErrorReason] : "internal"; // hasOwn has checked it
}
