import { Command } from "commander";
import type { AdmittedCall, CallOptions } from "../../src/index.js";
import type { Output } from "../output/output.js";
import { followToEnd } from "./follow-to-end.js";
import { duration } from "./option-values.js";
import { readPayload } from "./payload.js";
import { payloadBytes } from "./payload-bytes.js";
import { rawOption, readRaw } from "./raw-option.js";
import { inSession, withClientIn, withClientOptions } from "./session.js";

/** How long a call that is being made is waited for once it is to be cancelled, in milliseconds. */
const HANDLE_WAIT_MS = 3_000;

interface CallFlags {
  readonly file?: string;
  readonly timeout?: number;
  readonly wait?: boolean;
  readonly runId?: string;
  readonly toolCallId?: string;
  readonly expectDigest?: string;
  readonly detach?: boolean;
  readonly webhook?: string;
  readonly raw?: boolean;
}

/** `toolgate call`: runs a tool. */
export function callCommand(): Command {
  return withClientOptions(
    new Command("call")
      .description(
        "Calls a tool and shows its result. Output that comes before the result is shown as it comes, on stderr. " +
          "Ctrl-C cancels the call; a second one leaves at once.",
      )
      .argument("<toolset>", "the toolset's name")
      .argument("<tool>", "the tool's name")
      .argument("[payload...]", "JSON, pairs, @file, or - for stdin; see below. What is piped in when absent, else {}.")
      .option("--file <path>", "Read the payload from a file, as @path does.")
      .option(
        "--timeout <time>",
        "How long the call may take, such as 30s or 5m; the registry's default when absent.",
        duration,
      )
      .option("--wait", "Wait for a healthy provider, instead of failing at once while there is none.")
      .option("--run-id <id>", "The agent's run. With --tool-call-id, repeating the command attaches to the same call.")
      .option("--tool-call-id <id>", "The id of this call within the run.")
      .option("--expect-digest <sha256>", "Refuse if the toolset's contract is another one by now.")
      .option("--detach", "Return as soon as the call is admitted, with its handle; see toolgate calls follow.")
      .option("--webhook <name>", "A webhook of your tenant that is to be told how the call ends.")
      .addOption(rawOption()),
  )
    .addHelpText(
      "after",
      `
Payload:
  '{"path": "."}'  JSON, sent as it is written
  key=text         a member of an object. Where the tool's schema wants a
                   number, true or false, or a list, the text is taken as that.
  key:=json        a member that is any JSON, sent as it is written
  key=@file        a member with a file's text; key:=@file with a file's JSON
  a.b=text         a member of the object in a; a\\.b=text of the name "a.b"
  @file, -         JSON from a file; from stdin

Examples:
  toolgate call files list_directory path=.
  toolgate call files list_directory '{"path": "."}'
  toolgate call demo sum values=1 values=2.5
  toolgate call demo sum values:='[1, 2]' --json
  toolgate call files write_file path=notes.md content=@notes.md
  echo '{"path": "README.md"}' | toolgate call files read_text_file
  toolgate call demo sum @payload.json --timeout 5s --raw > sum.json
  toolgate calls follow "$(toolgate call demo sum @payload.json --detach)"
  toolgate call demo sum @payload.json --detach --webhook billing`,
    )
    .action(async (toolset: string, tool: string, words: string[], flags: CallFlags, command: Command) => {
      await inSession(command, async (session) => {
        const { output, signal } = session;
        const raw = readRaw(flags, output);
        // First of all: what is no JSON is never sent, and a fault of one's own is reported whatever the cluster does.
        const payload = await readPayload({ words, file: flags.file }, output);
        await withClientIn(session, command, async (client) => {
          const bytes = await payloadBytes(payload, client, toolset, tool, session);
          // Its id is needed to cancel it: without, a tool that runs already would be left to itself.
          const making = flags.detach === true ? signal : abortedLater(signal, HANDLE_WAIT_MS);
          const call = await output.withProgress(`Calling ${tool} of ${toolset}`, () =>
            client.call(toolset, tool, bytes, { ...callOptions(flags), signal: making }),
          );
          if (flags.detach === true) printHandle(output, call);
          else {
            await followToEnd(client, session, {
              callId: call.callId,
              label: `${tool} of ${toolset} runs`,
              cursor: undefined,
              raw,
              onInterrupt: "cancel",
            });
          }
        });
      });
    });
}

/** A signal that follows another one, late by a number of milliseconds. */
function abortedLater(signal: AbortSignal, lateMs: number): AbortSignal {
  signal.throwIfAborted();
  const later = new AbortController();
  signal.addEventListener("abort", () => setTimeout(() => later.abort(signal.reason), lateMs), { once: true });
  return later.signal;
}

function callOptions(flags: CallFlags): CallOptions {
  const { timeout, wait, runId, toolCallId, expectDigest, webhook } = flags;
  return {
    ...(timeout === undefined ? {} : { timeoutMs: timeout }),
    ...(wait === undefined ? {} : { wait }),
    ...(runId === undefined ? {} : { runId }),
    ...(toolCallId === undefined ? {} : { toolCallId }),
    ...(expectDigest === undefined ? {} : { expectDigest }),
    ...(webhook === undefined ? {} : { webhook }),
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
  output.note(`toolgate calls follow ${call.callId}`);
}
