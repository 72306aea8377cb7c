import type { Executed } from "../errors/codes.js";
import type { FailedTerminal } from "./terminal.js";

/** An admitted call ended without a result; `terminal` says how, typed. */
export class ToolCallError extends Error {
  override readonly name = "ToolCallError";
  readonly terminal: FailedTerminal;

  constructor(terminal: FailedTerminal) {
    super(terminal.message);
    this.terminal = terminal;
  }

  /** How it ended. */
  get kind(): FailedTerminal["kind"] {
    return this.terminal.kind;
  }

  /** A word for programs, from the error table; or the tool's own. */
  get reason(): string {
    return this.terminal.reason;
  }

  /** Whether the tool ran. */
  get executed(): Executed {
    return this.terminal.executed;
  }

  /** The call; opaque. */
  get callId(): string {
    return this.terminal.callId;
  }
}
