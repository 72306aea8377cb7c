import type { CallTerminal, Toolgate } from "../../src/index.js";
import { CallPrinter } from "../output/call-printer.js";
import { Interrupted } from "../output/interrupted.js";
import type { Output } from "../output/output.js";
import type { Session } from "./session.js";

/** How long to wait for the end of a call that was cancelled, in milliseconds; it is cancelled either way. */
const CANCEL_WAIT_MS = 3_000;

/** Which call is followed, and how it is shown. */
export interface Following {
  readonly callId: string;
  /** What is said while it runs. */
  readonly label: string;
  /** The last piece of output that was seen; from the beginning when undefined. */
  readonly cursor: string | undefined;
  /** Only the bytes of the result are shown. */
  readonly raw: boolean;
  /** What Ctrl-C does: `cancel` the call and say how that ended, or `leave` it running. */
  readonly onInterrupt: "cancel" | "leave";
}

/** Shows a call's output until it has ended, then how it did, and sets the exit status. */
export async function followToEnd(
  client: Toolgate,
  { output, signal }: Session,
  { callId, label, cursor, raw, onInterrupt }: Following,
): Promise<void> {
  const printer = new CallPrinter(output, raw);
  let last = cursor;
  const follow = async (until: AbortSignal): Promise<void> => {
    for await (const event of client.follow(callId, {
      signal: until,
      raw: true,
      ...(last === undefined ? {} : { cursor: last }),
    })) {
      if (event.kind === "terminal") return printer.terminal(event.terminal);
      last = event.cursor;
      printer.delta(event);
    }
  };
  try {
    await output.withProgress(label, () => follow(signal));
  } catch (error) {
    if (!(signal.aborted && signal.reason instanceof Interrupted)) throw error;
    if (onInterrupt === "leave") {
      output.note(
        `The call runs on. To come back: toolgate calls follow ${callId}${last === undefined ? "" : ` --cursor ${last}`}`,
      );
      throw signal.reason;
    }
    await cancelAndReport(client, output, callId);
    throw signal.reason;
  }
}

async function cancelAndReport(client: Toolgate, output: Output, callId: string): Promise<void> {
  const patience = AbortSignal.timeout(CANCEL_WAIT_MS);
  try {
    output.note("Cancelling the call; Ctrl-C again leaves at once.");
    const { terminal, state } = await client.cancel(callId, { signal: patience });
    const ended = terminal ?? (await terminalOf(client, callId, patience));
    output.note(
      ended === undefined
        ? `Cancellation was requested (the call is ${state}). To see how it ends: toolgate calls follow ${callId}`
        : `The call has ended: ${describe(ended)}.`,
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    output.diagnostic(`The call could not be cancelled: ${why} It may still run; its id is ${callId}.`);
  }
}

/** How the call ended, if it does within the signal's time. */
async function terminalOf(client: Toolgate, callId: string, signal: AbortSignal): Promise<CallTerminal | undefined> {
  try {
    for await (const event of client.follow(callId, { signal })) if (event.kind === "terminal") return event.terminal;
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return undefined;
}

function describe(terminal: CallTerminal): string {
  switch (terminal.kind) {
    case "result":
      return "it was faster, and has a result";
    case "cancelled":
      return "cancelled, the provider stopped it";
    case "not_executed":
      return "cancelled before a provider took it; it did not run";
    case "tool_error":
    case "outcome_unknown":
    case "attempts_exhausted":
    case "rejected":
      return `${terminal.kind} (${terminal.reason})`;
    default:
      return terminal satisfies never;
  }
}
