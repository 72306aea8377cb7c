import { Command, Option } from "commander";
import type { CallStatus, CallSummary, RawJson } from "../../src/index.js";
import { age } from "../output/age.js";
import type { Output } from "../output/output.js";
import { resultText } from "../output/result-text.js";
import type { Cell, Column } from "../output/table.js";
import { safeLines } from "../output/text-width.js";
import { cancelCommand } from "./cancel.js";
import { followCommand } from "./follow.js";
import { integer } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface ListFlags {
  readonly toolset?: string;
  readonly tool?: string;
  readonly state?: "queued" | "claimed";
  readonly limit: number;
}

const COLUMNS: readonly Column[] = [
  { header: "CALL" },
  { header: "TOOLSET", flexible: true },
  { header: "TOOL", flexible: true },
  { header: "STATE" },
  { header: "TRY", align: "right" },
  { header: "SINCE", align: "right" },
  { header: "PROVIDER", flexible: true },
];

const USUAL_LIMIT = 1_000;
const MOST = 100_000;

/** `toolgate calls`: calls by their ids, and those that have not ended. */
export function callsCommand(): Command {
  return new Command("calls")
    .description(
      "Looks after calls. Those that have not ended are listed; one that has ended is found by its id, until its outcome expires.",
    )
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(followCommand())
    .addCommand(cancelCommand())
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls list --toolset files
  toolgate calls get CALL_ID
  toolgate calls follow CALL_ID
  toolgate calls cancel CALL_ID`,
    );
}

function listCommand(): Command {
  return withClientOptions(
    new Command("list")
      .summary("list the calls that have not ended")
      .description(
        "Lists the calls that wait for a provider (queued) or are with one (claimed; stopping where its cancellation was requested), " +
          "those that wait longest first. Calls that have ended are not indexed: toolgate calls get shows one by its id.",
      )
      .option("--toolset <name>", "Only calls of this toolset.")
      .option("--tool <name>", "Only calls of tools of this name.")
      .addOption(new Option("--state <state>", "Only calls that stand so.").choices(["queued", "claimed"]))
      .option("--limit <n>", "At most so many.", integer(1, MOST), USUAL_LIMIT),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls list
  toolgate calls list --toolset files --state queued
  toolgate calls list --json | jq -r '.[] | select(.tool == "sum").callId'`,
    )
    .action(async ({ limit, ...filter }: ListFlags, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        // One may be listed twice while others come and go.
        const found = new Map<string, CallSummary>();
        let more = false;
        await output.withProgress("Listing the calls", async () => {
          const { toolset, tool, state } = filter;
          const which = {
            ...(toolset === undefined ? {} : { toolset }),
            ...(tool === undefined ? {} : { tool }),
            ...(state === undefined ? {} : { state }),
          };
          for await (const call of client.listCalls({ ...which, signal })) {
            more = found.size === limit && !found.has(call.callId);
            if (more) break;
            found.set(call.callId, call);
          }
        });
        const calls = [...found.values()].sort((one, other) => one.queuedAt.getTime() - other.queuedAt.getTime());
        if (output.json) output.jsonData(calls);
        else if (calls.length === 0) output.note("No such call is under way.");
        else printCalls(output, calls);
        if (more) output.note(`There are more than these ${limit}; --limit shows more of them.`);
      });
    });
}

/** Calls as a table. */
export function printCalls(output: Output, calls: readonly CallSummary[]): void {
  output.table(
    COLUMNS,
    calls.map((call): readonly Cell[] => [
      call.callId,
      call.toolset,
      call.tool,
      call.cancelRequested ? { text: "stopping", style: "warn" } : call.state,
      String(call.attempt),
      age(call.readAt.getTime() - call.queuedAt.getTime()),
      call.claim?.provider ?? "",
    ]),
  );
}

function getCommand(): Command {
  return withClientOptions(
    new Command("get")
      .summary("show where a call stands")
      .description("Shows where a call stands and how it ended, if it has, until its outcome expires.")
      .argument("<callId>", "the call, as toolgate call --detach or toolgate calls list gives it"),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls get CALL_ID
  toolgate calls get CALL_ID --json | jq .terminal.result`,
    )
    .action(async (callId: string, _flags: object, command: Command) => {
      await withClient(command, async (client, { output, signal }) => {
        const status = await output.withProgress("Getting the call", () =>
          client.getCall(callId, { signal, raw: true }),
        );
        if (output.json) return output.jsonData(status);
        printStatus(output, status);
      });
    });
}

/** Where a call stands, for people: its facts, then its result or why there is none. */
export function printStatus(output: Output, status: CallStatus<RawJson>): void {
  const { callId, toolset, tool, state, attempt, cancelRequested, epoch, digest, deadline, expires, terminal } = status;
  const facts: readonly (readonly [string, string])[] = [
    ["call", callId],
    ["toolset", toolset],
    ["tool", tool],
    [
      "state",
      terminal === undefined
        ? `${state}${cancelRequested ? ", cancellation requested" : ""}`
        : `ended: ${terminal.kind}`,
    ],
    ["attempt", String(attempt)],
    ["epoch", String(epoch)],
    ["digest", digest],
    ["deadline", deadline.toISOString()],
    ...(terminal === undefined ? [] : ([["ended", terminal.endedAt.toISOString()]] as const)),
    ["expires", expires.toISOString()],
  ];
  output.text(facts.map(([name, value]) => `${output.paint.dim(name.padEnd(8))}  ${safeLines(value)}`).join("\n"));
  if (terminal === undefined) return;
  output.text("");
  if (terminal.kind === "result") output.text(resultText(terminal.result));
  else output.text(`${output.paint.bad(safeLines(terminal.reason))}: ${safeLines(terminal.message)}`);
}
