import { brandClass } from "../errors/branded-class.js";

/**
 * A failure that a tool reports of itself: the agent gets its reason, message and details as a `tool_error`.
 *
 * `reason` is a word for programs, [A-Z][A-Z0-9_]{0,63}; another form becomes TOOL_ERROR. At most 4 KiB of the message
 * are kept. `details` is any JSON of at most 64 KiB, and is left out where it is not; a RawJson is sent as it is.
 */
export class ToolFailure extends Error {
  static {
    brandClass(ToolFailure, "ToolFailure");
  }

  override readonly name = "ToolFailure";
  readonly reason: string;
  readonly details: unknown;

  constructor(reason: string, message: string, details?: unknown) {
    super(message);
    this.reason = reason;
    this.details = details;
  }
}
