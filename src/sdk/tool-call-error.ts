import { brandClass } from "../errors/branded-class.js";
import type { Executed } from "../errors/codes.js";
import type { ErrorOrigin, FailedTerminal } from "./terminal.js";

/** An admitted call ended without a result; `terminal` says how, typed. */
export class ToolCallError extends Error {
  static {
    brandClass(ToolCallError, "ToolCallError");
  }

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

  /** A word for programs, from the error table; or the tool's own: `origin` tells which. */
  get reason(): string {
    return this.terminal.reason;
  }

  /** Whose word the reason is. A tool may use a word of the error table. */
  get origin(): ErrorOrigin {
    return this.terminal.origin;
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
