import { ERROR_CODES } from "../../errors/codes.js";
import { toToolgateError } from "../../errors/to-toolgate-error.js";
import { ToolgateError } from "../../errors/toolgate-error.js";
import { headersOf, RequestFailure } from "../http/problem.js";
import { codeOfReason } from "./reason-code.js";
import type { Reply } from "./reply.js";

/*
 * How the reasons of the one error table (src/errors) are told in MCP: by a code (reason-code.ts), and in `data` by the reason itself and what a
 * program needs for a retry.
 *
 * What the model itself can mend or has to know, such as arguments that do not fit, is no such error, but a result with `isError`: see
 * tool-result.ts.
 */

/** What becomes the status of the answer, too: what is in between goes by it. */
const CARRIED_STATUS: ReadonlySet<number> = new Set([401, 403, 429]);

/** What programs read of an error, in `data` and in the `_meta` of results. */
export interface ErrorData {
  readonly reason: string;
  /** Whether the tool can have run. */
  readonly executed: string;
  readonly retry_after_ms?: number;
  readonly call_id?: string;
  readonly violations?: readonly { readonly field: string; readonly description: string }[];
  /** Under which the node's log has more. */
  readonly correlation_id?: string;
}

/** The error behind what a method threw, and under which id the node's log has it. */
export function failureOf(thrown: unknown): { readonly error: ToolgateError; readonly correlationId?: string } {
  if (!(thrown instanceof RequestFailure)) return { error: known(thrown) };
  const { error, correlationId } = thrown.failure;
  return { error: known(error), ...(correlationId === undefined ? {} : { correlationId }) };
}

function known(error: unknown): ToolgateError {
  if (error instanceof ToolgateError) return error;
  const { reason, executed } = toToolgateError(error);
  return new ToolgateError(reason, "A fault of the node.", { executed });
}

/** An error as the end of a request. */
export function errorReply(thrown: unknown): Reply {
  const { error, correlationId } = failureOf(thrown);
  const { http } = ERROR_CODES[error.reason];
  return {
    kind: "error",
    error: { code: codeOfReason(error.reason), message: error.message, data: dataOf(error, correlationId) },
    ...(CARRIED_STATUS.has(http) ? { status: http } : {}),
    headers: headersOf(http, error.retryAfterMs),
  };
}

export function dataOf(
  { reason, executed, retryAfterMs, metadata, violations }: ToolgateError,
  correlationId?: string,
): ErrorData {
  return {
    reason,
    executed,
    ...(retryAfterMs === undefined ? {} : { retry_after_ms: Math.max(0, Math.ceil(retryAfterMs)) }),
    ...(metadata.call_id === undefined ? {} : { call_id: metadata.call_id }),
    ...(violations.length === 0 ? {} : { violations }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
  };
}
