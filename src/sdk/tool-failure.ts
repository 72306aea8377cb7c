import { brandClass } from "../errors/branded-class.js";

/**
 * A failure that a tool reports of itself: the agent gets its reason, message and details as a `tool_error`; as an
 * `outcome_unknown` where the tool cannot know whether it had its effect, since it has lost what it had handed its work to.
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
  /** Whether the tool had its effect: `unknown`, or what counts for a failure: that it ran. */
  readonly executed: "yes" | "unknown";

  /** @param executed `yes` unless said */
  constructor(
    reason: string,
    message: string,
    details?: unknown,
    { executed = "yes" }: { readonly executed?: "yes" | "unknown" } = {},
  ) {
    super(message);
    this.reason = reason;
    this.details = details;
    this.executed = executed;
  }
}
