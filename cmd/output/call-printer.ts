import type { CallDelta, CallTerminal, RawJson } from "../../src/index.js";
import { failureJson, failureOfTerminal, failureText } from "./failure.js";
import { jsonLine, jsonText } from "./json.js";
import type { Output } from "./output.js";

/**
 * Shows what comes out of a call. For people: output as it comes on stderr, the result on stdout, so that the result alone can be
 * piped on. With --json: each event as one line on stdout, `{"kind":"delta",…}` and last `{"kind":"terminal",…}`.
 */
export class CallPrinter {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  delta({ data, cursor, attempt }: CallDelta<RawJson>): void {
    if (this.#output.json) this.#output.jsonData({ kind: "delta", data, cursor, attempt });
    else this.#output.note(this.#output.paintNotes.dim(`· ${jsonLine(data)}`));
  }

  /** Shows how the call ended, and sets the exit status. */
  terminal(terminal: CallTerminal<RawJson>): void {
    if (this.#output.json) this.#output.jsonData({ kind: "terminal", terminal });
    else if (terminal.kind === "result") this.#output.text(jsonText(terminal.result));
    if (terminal.kind === "result") return;
    const failure = failureOfTerminal(terminal);
    this.#output.complaint(this.#output.json ? failureJson(failure) : failureText(failure, this.#output.paintNotes));
    process.exitCode = failure.exitCode;
  }
}
