import { CommanderError } from "commander";
import { ERROR_CODES, type Executed, isErrorReason } from "../../src/errors/codes.js";
import { ToolgateError, type Violation } from "../../src/errors/toolgate-error.js";
import type { CallTerminal, ErrorOrigin } from "../../src/index.js";
import { ToolCallError } from "../../src/sdk/tool-call-error.js";
import { EXIT_CODES, exitOfReason, exitOfTerminal } from "./exit-codes.js";
import { Interrupted } from "./interrupted.js";
import { jsonLine } from "./json.js";
import type { Painter } from "./paint.js";
import { safeLines } from "./text-width.js";

/** What went wrong, in one form, whatever it was. */
export interface Failure {
  readonly exitCode: number;
  /** A word for programs. */
  readonly reason: string;
  /** Whose word that is, where a call ended with it; a tool may use one of the gateway's. */
  readonly origin?: ErrorOrigin;
  readonly message: string;
  readonly remedy?: string;
  /** Whether the tool can have run; absent where no call was made. */
  readonly executed?: Executed;
  readonly retryAfterMs?: number;
  readonly violations?: readonly Violation[];
  readonly details?: unknown;
  readonly callId?: string;
}

/** A fault in how the command was used. */
export class UsageError extends Error {
  override readonly name = "UsageError";
  readonly remedy: string;

  constructor(message: string, remedy: string) {
    super(message);
    this.remedy = remedy;
  }
}

/** Reads whatever was thrown. */
export function failureOf(error: unknown): Failure {
  if (error instanceof ToolgateError) return ofToolgateError(error);
  if (error instanceof ToolCallError) return failureOfTerminal(error.terminal);
  if (error instanceof UsageError) {
    return { exitCode: EXIT_CODES.badInput.code, reason: "USAGE", message: error.message, remedy: error.remedy };
  }
  if (error instanceof Interrupted) return { exitCode: error.exitCode, reason: "INTERRUPTED", message: error.message };
  if (error instanceof CommanderError) return ofCommanderError(error);
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    exitCode: EXIT_CODES.internal.code,
    reason: "INTERNAL",
    message,
    remedy: "This is a fault of the command itself: report it with this text.",
  };
}

/** Reads how a call ended without a result. */
export function failureOfTerminal(terminal: Exclude<CallTerminal, { kind: "result" }>): Failure {
  const { reason, origin, message, executed, callId, details } = terminal;
  return {
    exitCode: EXIT_CODES[exitOfTerminal(terminal)].code,
    reason,
    message,
    origin,
    ...(origin === "gateway" && isErrorReason(reason) ? { remedy: ERROR_CODES[reason].remedy } : {}),
    executed,
    ...(callId === "" ? {} : { callId }),
    ...(details === undefined ? {} : { details }),
    ...(terminal.kind === "rejected" && terminal.violations.length > 0 ? { violations: terminal.violations } : {}),
    ...(terminal.kind === "rejected" && terminal.retryAfterMs !== undefined
      ? { retryAfterMs: terminal.retryAfterMs }
      : {}),
  };
}

/** A failure for people: what, why, the remedy, the reason. */
export function failureText(
  { message, remedy, reason, executed, violations, retryAfterMs }: Failure,
  paint: Painter,
): string {
  const shown = violations?.filter(({ field }) => !message.includes(field)) ?? [];
  return [
    `${paint.bad("error:")} ${safeLines(message)}`,
    ...shown.map(
      ({ field, description }) => `  ${safeLines(field === "" ? "(the whole)" : field)}: ${safeLines(description)}`,
    ),
    ...(remedy === undefined || SELF_EXPLANATORY.has(reason) || message.includes(remedy) ? [] : [`  ${remedy}`]),
    ...(retryAfterMs === undefined ? [] : [`  A retry may help in ${retryAfterMs} ms.`]),
    paint.dim(`  ${[reason, ...(executed === undefined ? [] : [EXECUTED_TEXT[executed]])].join("; ")}`),
  ].join("\n");
}

/** Reasons whose messages name the remedy themselves, and better than the table can. */
const SELF_EXPLANATORY: ReadonlySet<string> = new Set(["INVALID_CONFIG", "NODE_UNREACHABLE"]);

/** A failure for programs, on one line. */
export function failureJson(failure: Failure): string {
  return jsonLine({ error: failure });
}

const EXECUTED_TEXT = {
  no: "the tool did not run",
  yes: "the tool ran",
  unknown: "whether the tool ran is unknown",
} as const satisfies Record<Executed, string>;

function ofToolgateError(error: ToolgateError): Failure {
  return {
    exitCode: EXIT_CODES[exitOfReason(error.reason)].code,
    reason: error.reason,
    message: error.message,
    remedy: ERROR_CODES[error.reason].remedy,
    ...(error.executed === "no" ? {} : { executed: error.executed }),
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.violations.length === 0 ? {} : { violations: error.violations }),
  };
}

/** commander prints what a person needs to see itself; see toolgate.ts. */
function ofCommanderError({ message, exitCode }: CommanderError): Failure {
  return {
    exitCode: exitCode === 0 ? 0 : EXIT_CODES.badInput.code,
    reason: "USAGE",
    message: message.replace(/^error: /, "").replace(/\n/g, " "),
    remedy: "Look at the command's --help.",
  };
}
