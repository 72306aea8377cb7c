import { Command, InvalidArgumentError, Option } from "commander";
import type { CallStatus, CallSummary, EndedCallSummary, RawJson, Toolgate } from "../../src/index.js";
import { age } from "../output/age.js";
import type { Output } from "../output/output.js";
import { resultText } from "../output/result-text.js";
import type { Cell, Column } from "../output/table.js";
import { safeLines } from "../output/text-width.js";
import { cancelCommand } from "./cancel.js";
import { followCommand } from "./follow.js";
import { duration, integer, words } from "./option-values.js";
import { withClient, withClientOptions } from "./session.js";

interface ListFlags {
  readonly toolset?: string;
  readonly tool?: string;
  readonly principal?: string;
  readonly state?: "queued" | "claimed" | "ended";
  readonly outcome?: readonly Outcome[];
  readonly slowerThan?: number;
  readonly since?: number;
  readonly limit: number;
}

const OUTCOMES = [
  "result",
  "tool_error",
  "not_executed",
  "cancelled",
  "outcome_unknown",
  "attempts_exhausted",
] as const satisfies readonly EndedCallSummary["kind"][];
type Outcome = (typeof OUTCOMES)[number];

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
      "Looks after calls. Those that have not ended are listed, and those that ended last; each is found by its id, until its outcome expires.",
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
      .summary("list the calls that have not ended, or those that ended last")
      .description(
        "Lists the calls that wait for a provider (queued) or are with one (claimed; stopping where its cancellation was requested), " +
          "those that wait longest first; with --state ended the calls that ended last, the latest first. Of these, the registry keeps " +
          "some thousands with a result, of which a busy one lists only a part, and as many that ended otherwise or took a second and more.",
      )
      .option("--toolset <name>", "Only calls of this toolset.")
      .option("--tool <name>", "Only calls of tools of this name.")
      .option("--principal <id>", "Only calls of this principal of your tenant.")
      .addOption(new Option("--state <state>", "Only calls that stand so.").choices(["queued", "claimed", "ended"]))
      .option(
        "--outcome <kinds>",
        `Only calls that ended in one of these ways: ${OUTCOMES.join(", ")}. Implies --state ended.`,
        outcomes,
      )
      .option(
        "--slower-than <time>",
        "Only calls that took so long from admission to end: 2s. Implies --state ended.",
        duration,
      )
      .option("--since <time>", "Only calls that ended so long ago at most: 10m. Implies --state ended.", duration)
      .option("--limit <n>", "At most so many.", integer(1, MOST), USUAL_LIMIT),
  )
    .addHelpText(
      "after",
      `
Examples:
  toolgate calls list
  toolgate calls list --toolset files --state queued
  toolgate calls list --outcome tool_error,outcome_unknown --since 10m
  toolgate calls list --slower-than 2s --principal agent-7
  toolgate calls list --json | jq -r '.[] | select(.tool == "sum").callId'`,
    )
    .action(async (flags: ListFlags, command: Command) => {
      const aboutEnds = flags.outcome ?? flags.slowerThan ?? flags.since;
      if (aboutEnds !== undefined && (flags.state ?? "ended") !== "ended")
        command.error(
          `error: --outcome, --slower-than and --since are about calls that have ended, and --state says ${flags.state}`,
        );
      const ended = aboutEnds !== undefined || flags.state === "ended";
      await withClient(command, async (client, { output, signal }) => {
        const answer = await output.withProgress<LivingCalls | EndedCalls>("Listing the calls", () =>
          ended ? endedCalls(client, flags, signal) : livingCalls(client, flags, signal),
        );
        const { calls, more } = answer;
        if (output.json) output.jsonData(calls);
        else if (calls.length === 0) output.note(ended ? "No such call is listed." : "No such call is under way.");
        else if (answer.kind === "ended") printEndedCalls(output, answer.calls);
        else printCalls(output, answer.calls);
        if (answer.kind === "ended" && answer.calls.some(({ sampled }) => sampled))
          output.note("The registry is busy: of calls with a result, these are a part.");
        if (more) output.note(`There are more than these ${flags.limit}; --limit shows more of them.`);
      });
    });
}

type LivingCalls = Found<"living", CallSummary>;
type EndedCalls = Found<"ended", EndedCallSummary>;

interface Found<Kind, Call> {
  readonly kind: Kind;
  readonly calls: readonly Call[];
  /** There are more than were asked for. */
  readonly more: boolean;
}

async function livingCalls(
  client: Toolgate,
  { toolset, tool, principal, state, limit }: ListFlags,
  signal: AbortSignal,
): Promise<LivingCalls> {
  const which = {
    ...given({ toolset, tool, principal }),
    ...(state === undefined || state === "ended" ? {} : { state }),
  };
  // One may be listed twice while others come and go.
  const found = new Map<string, CallSummary>();
  let more = false;
  for await (const call of client.listCalls({ ...which, signal })) {
    more = found.size === limit && !found.has(call.callId);
    if (more) break;
    found.set(call.callId, call);
  }
  const calls = [...found.values()].sort((one, other) => one.queuedAt.getTime() - other.queuedAt.getTime());
  return { kind: "living", calls, more };
}

async function endedCalls(
  client: Toolgate,
  { toolset, tool, principal, outcome = [], slowerThan = 0, since, limit }: ListFlags,
  signal: AbortSignal,
): Promise<EndedCalls> {
  const which = {
    ...given({ toolset, tool, principal }),
    kinds: outcome,
    minTotalMs: slowerThan,
    ...(since === undefined ? {} : { since: new Date(Date.now() - since) }),
  };
  const calls: EndedCallSummary[] = [];
  for await (const call of client.listEndedCalls({ ...which, signal })) {
    if (calls.length === limit) return { kind: "ended", calls, more: true };
    calls.push(call);
  }
  return { kind: "ended", calls, more: false };
}

function given(filter: { readonly [Name in "toolset" | "tool" | "principal"]: string | undefined }) {
  const { toolset, tool, principal } = filter;
  return {
    ...(toolset === undefined ? {} : { toolset }),
    ...(tool === undefined ? {} : { tool }),
    ...(principal === undefined ? {} : { principal }),
  };
}

function outcomes(value: string, before: readonly Outcome[] | undefined): readonly Outcome[] {
  return words(value, before).map((word) => {
    const known = OUTCOMES.find((outcome) => outcome === word);
    if (known === undefined) throw new InvalidArgumentError(`It must be some of ${OUTCOMES.join(", ")}.`);
    return known;
  });
}

const ENDED_COLUMNS: readonly Column[] = [
  { header: "CALL" },
  { header: "TOOLSET", flexible: true },
  { header: "TOOL", flexible: true },
  { header: "OUTCOME" },
  { header: "REASON", flexible: true },
  { header: "TRY", align: "right" },
  { header: "QUEUED", align: "right" },
  { header: "TOOK", align: "right" },
  { header: "ENDED" },
  { header: "PRINCIPAL", flexible: true },
];

/** How long a part of a call took: `340ms`, `2.5s`, `3m`. */
function took(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, ms)}ms`;
  return ms < 60_000 ? `${(Math.floor(ms / 100) / 10).toFixed(1)}s` : age(ms);
}

/** Calls that have ended as a table. */
function printEndedCalls(output: Output, calls: readonly EndedCallSummary[]): void {
  output.table(
    ENDED_COLUMNS,
    calls.map(({ admittedAt, firstClaimedAt, endedAt, ...call }): readonly Cell[] => [
      call.callId,
      call.toolset,
      call.tool,
      { text: call.kind, style: call.kind === "result" ? "good" : "bad" },
      call.reason,
      String(call.attempt),
      admittedAt === undefined || firstClaimedAt === undefined
        ? ""
        : took(firstClaimedAt.getTime() - admittedAt.getTime()),
      admittedAt === undefined ? "" : took(endedAt.getTime() - admittedAt.getTime()),
      endedAt.toISOString(),
      call.principal,
    ]),
  );
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
  const { admittedAt } = status;
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
    ...(admittedAt === undefined ? [] : ([["admitted", admittedAt.toISOString()]] as const)),
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
