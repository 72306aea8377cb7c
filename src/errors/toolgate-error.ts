import { brandClass } from "./branded-class.js";
import { ERROR_CODES, type ErrorReason, type Executed } from "./codes.js";
import type { GrpcStatus } from "./grpc-status.js";

/** One fault in a request: where (a JSON pointer or a field path), and what was expected there; never the data. */
export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** The most violations that one error carries: details travel in headers, which are small. */
export const MAX_VIOLATIONS = 8;

export interface ToolgateErrorOptions {
  /** Whether the tool can have run. `no` unless said. */
  readonly executed?: Executed;
  /** When a retry may help, in milliseconds. */
  readonly retryAfterMs?: number;
  /** What was wrong with the request; the first eight are kept. */
  readonly violations?: readonly Violation[];
  /** More, for programs; small. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/**
 * The one error of Toolgate: a reason from the table, a message that names the thing and the cause, and what a caller
 * needs to decide about a retry. It is a value of the protocol, not of the process: nodes send it, the SDK throws it.
 */
export class ToolgateError extends Error {
  static {
    brandClass(ToolgateError, "ToolgateError");
  }

  override readonly name = "ToolgateError";
  readonly reason: ErrorReason;
  readonly executed: Executed;
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly Violation[];
  readonly metadata: Readonly<Record<string, string>>;

  constructor(reason: ErrorReason, message: string, options: ToolgateErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.executed = options.executed ?? "no";
    this.retryAfterMs = options.retryAfterMs;
    this.violations = (options.violations ?? []).slice(0, MAX_VIOLATIONS);
    this.metadata = options.metadata ?? {};
  }

  /** The gRPC status that carries this error. */
  get status(): GrpcStatus {
    return ERROR_CODES[this.reason].status;
  }
}
