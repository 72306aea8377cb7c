import type { Violation } from "../../errors/toolgate-error.js";

/** What the body of a `tool_error` holds, as JSON; also that of an `outcome_unknown` which the tool itself has reported. */
export interface ToolErrorBody {
  readonly message: string;
  readonly details?: unknown;
  readonly violations?: readonly Violation[];
  /** Whose word the reason is; absent in what nodes before 0.2 wrote. */
  readonly origin?: "gateway" | "tool";
}
