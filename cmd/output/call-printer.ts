import type { CallDelta, CallTerminal, RawJson } from "../../src/index.js";
import { failureJson, failureOfTerminal, failureText } from "./failure.js";
import { jsonLine } from "./json.js";
import type { Output } from "./output.js";
import { resultText } from "./result-text.js";

const UNCHECKED_NOTE =
  "The result was not checked against the tool's schema: the check takes too much work, or the gateway was too busy.";

/**
 * Shows what comes out of a call. For people: output as it comes on stderr, the result on stdout, so that the result alone can be
 * piped on. With --json: each event as one line on stdout, `{"kind":"delta",…}` and last `{"kind":"terminal",…}`. With --raw: the
 * bytes of the result as the tool gave them, and nothing else; a failure is reported on stderr.
 */
export class CallPrinter {
  readonly #output: Output;
  readonly #raw: boolean;

  constructor(output: Output, raw: boolean) {
    this.#output = output;
    this.#raw = raw;
  }

  delta({ data, cursor, attempt }: CallDelta<RawJson>): void {
    if (this.#raw) return;
    if (this.#output.json) this.#output.jsonData({ kind: "delta", data, cursor, attempt });
    else this.#output.note(this.#output.paintNotes.dim(`· ${jsonLine(data)}`));
  }

  /** Shows how the call ended, and sets the exit status. */
  terminal(terminal: CallTerminal<RawJson>): void {
    if (this.#output.json) this.#output.jsonData({ kind: "terminal", terminal });
    else if (terminal.kind === "result") {
      if (this.#raw) this.#output.bytes(terminal.result.bytes);
      else this.#output.text(resultText(terminal.result));
    }
    if (terminal.kind === "result") {
      if (terminal.unchecked) this.#output.note(UNCHECKED_NOTE);
      return;
    }
    const failure = failureOfTerminal(terminal);
    this.#output.diagnostic(this.#output.json ? failureJson(failure) : failureText(failure, this.#output.paintNotes));
    process.exitCode = failure.exitCode;
  }
}
