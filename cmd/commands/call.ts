import { Command } from "commander";
import type { AdmittedCall, CallOptions, CallTerminal, Toolgate } from "../../src/index.js";
import { CallPrinter } from "../output/call-printer.js";
import { Interrupted } from "../output/interrupted.js";
import type { Output } from "../output/output.js";
import { duration } from "./option-values.js";
import { readPayload } from "./payload.js";
import { inSession, type Session, withClientIn, withClientOptions } from "./session.js";

interface CallFlags {
  readonly file?: string;
  readonly timeout?: number;
  readonly wait?: boolean;
  readonly runId?: string;
  readonly toolCallId?: string;
  readonly expectDigest?: string;
  readonly detach?: boolean;
}

/** How long to wait for the end of a call that was cancelled, in milliseconds; it is cancelled either way. */
const CANCEL_WAIT_MS = 3_000;

/** `toolgate call`: runs a tool. */
export function callCommand(): Command {
  return withClientOptions(
    new Command("call")
      .description(
        "Calls a tool with a JSON payload and shows its result. Output that comes before the result is shown as it comes, on\n" +
          "stderr. Ctrl-C cancels the call; a second one leaves at once.",
      )
      .argument("<toolset>", "the toolset's name")
      .argument("<tool>", "the tool's name")
      .argument("[json]", 'the payload; "-" reads stdin, which is also read when something is piped in; {} when absent')
      .option("--file <path>", "Read the payload from a file.")
      .option(
        "--timeout <time>",
        "How long the call may take, such as 30s or 5m; the registry's default when absent.",
        duration,
      )
      .option("--wait", "Wait for a healthy provider, instead of failing at once while there is none.")
      .option("--run-id <id>", "The agent's run. With --tool-call-id, repeating the command attaches to the same call.")
      .option("--tool-call-id <id>", "The id of this call within the run.")
      .option("--expect-digest <sha256>", "Refuse if the toolset's contract is another one by now.")
      .option("--detach", "Return as soon as the call is admitted, with its handle; see toolgate follow."),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate call files list_directory '{"path": "."}'
  echo '{"path": "README.md"}' | toolgate call files read_text_file
  toolgate call demo sum --file payload.json --timeout 5s
  toolgate call demo sum '{"values": [1, 2]}' --json | jq 'select(.kind == "terminal").terminal.result'
  toolgate follow "$(toolgate call demo sum --file payload.json --detach --json | jq -r .callId)"`,
    )
    .action(async (toolset: string, tool: string, json: string | undefined, flags: CallFlags, command: Command) => {
      await inSession(command, async (session) => {
        const { output, signal } = session;
        // First of all: what is no JSON is never sent, and a fault of one's own is told whatever the cluster does.
        const payload = await readPayload({ argument: json, file: flags.file }, output);
        await withClientIn(session, command, async (client) => {
          const call = await output.during(`Calling ${tool} of ${toolset}`, () =>
            client.call(toolset, tool, payload, { ...callOptions(flags), signal }),
          );
          if (flags.detach === true) printHandle(output, call);
          else await followToEnd(client, session, call.callId, `${tool} of ${toolset} runs`, undefined, "cancel");
        });
      });
    });
}

function callOptions(flags: CallFlags): CallOptions {
  const { timeout, wait, runId, toolCallId, expectDigest } = flags;
  return {
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(wait === undefined ? {} : { wait }),
    ...(runId === undefined ? {} : { runId }),
    ...(toolCallId === undefined ? {} : { toolCallId }),
    ...(expectDigest === undefined ? {} : { expectDigest }),
  };
}

function printHandle(output: Output, call: AdmittedCall): void {
  if (output.json) {
    output.jsonData(call);
    return;
  }
  output.text(call.callId);
  const repeated = call.repeated ? "; the call was there already" : "";
  output.note(`Admitted at epoch ${call.epoch}; it ends by ${call.deadline.toISOString()}${repeated}.`);
  output.note(`toolgate follow ${call.callId}`);
}

/**
 * Shows a call's output until it has ended.
 *
 * @param onInterrupt what Ctrl-C does: `cancel` the call and say how that ended, or `leave` it running
 */
export async function followToEnd(
  client: Toolgate,
  { output, signal }: Session,
  callId: string,
  label: string,
  cursor: string | undefined,
  onInterrupt: "cancel" | "leave",
): Promise<void> {
  const printer = new CallPrinter(output);
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
    await output.during(label, () => follow(signal));
  } catch (error) {
    if (!(signal.aborted && signal.reason instanceof Interrupted)) throw error;
    if (onInterrupt === "leave") {
      output.note(
        `The call runs on. To come back: toolgate follow ${callId}${last === undefined ? "" : ` --cursor ${last}`}`,
      );
      throw signal.reason;
    }
    await cancelAndTell(client, output, callId);
    throw signal.reason;
  }
}

async function cancelAndTell(client: Toolgate, output: Output, callId: string): Promise<void> {
  const patience = AbortSignal.timeout(CANCEL_WAIT_MS);
  try {
    output.note("Cancelling the call; Ctrl-C again leaves at once.");
    const { terminal, state } = await client.cancel(callId, { signal: patience });
    const ended = terminal ?? (await terminalOf(client, callId, patience));
    output.note(
      ended === undefined
        ? `The call was told to stop (it is ${state}). To see how it ends: toolgate follow ${callId}`
        : `The call has ended: ${describe(ended)}.`,
    );
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    output.complaint(`The call could not be cancelled: ${why} It may still run; its id is ${callId}.`);
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
