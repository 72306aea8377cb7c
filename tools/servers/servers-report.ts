import type { Painter } from "../../cmd/output/paint.js";
import { table } from "../../cmd/output/table.js";
import type { RealServer } from "./real-server.js";
import type { Trial } from "./try-server.js";

/** What became of one server: a trial, or why there was none. */
export interface Outcome {
  readonly server: RealServer;
  /** Every listed tool is served, and no answer differs. */
  readonly isGood: boolean;
  readonly trial?: Trial;
  readonly failure?: string;
}

/** How long an answer is quoted in the list of differences, in UTF-16 code units. */
const QUOTED_CHARACTERS = 600;

/** One line about one server. */
export function summary({ trial, failure }: Outcome): string {
  if (trial === undefined) return `FAILED: ${failure}`;
  return `${toolsCell(trial)} tools${trial.calls.length === 0 ? "" : `, ${callsCell(trial)} calls alike`}`;
}

/** All outcomes as a table for people. */
export function outcomeTable(outcomes: readonly Outcome[], width: number | undefined, paint: Painter): string {
  const rows = outcomes.map(({ server, isGood, trial, failure }) => [
    server.name,
    `${server.package} ${server.version}`,
    trial === undefined ? "–" : toolsCell(trial),
    trial === undefined ? "–" : callsCell(trial),
    isGood ? "good" : (failure ?? "see below"),
  ]);
  const columns = [
    { header: "server" },
    { header: "package", flexible: true },
    { header: "tools", align: "right" as const },
    { header: "calls", align: "right" as const },
    { header: "outcome", flexible: true },
  ];
  return `${table(columns, rows, width, paint)}\n${totals(outcomes)}\n`;
}

/** All outcomes as the table of docs/mcp-servers-tried.md. */
export function markdownTable(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ server, trial, failure }) => {
    const cells = [
      `\`${server.package}\` ${server.version}`,
      server.from === "npm" ? "npm" : "PyPI",
      trial === undefined ? `failed: ${failure}` : toolsCell(trial),
      trial === undefined ? "" : callsCell(trial),
      server.needs,
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return [
    "| Server | From | Tools served / listed | Calls alike / made | What it needs |",
    "|---|---|---|---|---|",
    ...rows,
    "",
    totals(outcomes),
    "",
  ].join("\n");
}

/** Everything that is not as it should be, one paragraph each; empty when there is nothing. */
export function differences(outcomes: readonly Outcome[]): string {
  const texts = outcomes.flatMap(({ server, trial, failure }) => {
    if (trial === undefined) return [`${server.name}: ${failure}`];
    return [
      ...trial.faults.map((fault) => `${server.name}: ${fault}`),
      ...trial.skipped.map((skipped) => `${server.name}: left out: ${skipped}`),
      ...trial.calls
        .filter(({ verdict }) => verdict === "different")
        .map(
          ({ tool, args, direct, through }) =>
            `${server.name}/${tool} ${args}\n  directly: ${quoted(direct)}\n  through Toolgate: ${quoted(through)}`,
        ),
    ];
  });
  return texts.map((text) => `${text}\n`).join("");
}

function totals(outcomes: readonly Outcome[]): string {
  const trials = outcomes.flatMap(({ trial }) => (trial === undefined ? [] : [trial]));
  const calls = trials.flatMap((trial) => trial.calls);
  const refused = calls.filter(({ verdict }) => verdict === "refused as documented").length;
  const good = outcomes.filter(({ isGood }) => isGood).length;
  return (
    `${good} of ${outcomes.length} servers with every listed tool and no difference: ` +
    `${sum(trials.map(({ served }) => served))} of ${sum(trials.map(({ listed }) => listed))} tools, ` +
    `${calls.filter(({ verdict }) => verdict === "same").length} of ${calls.length} calls alike` +
    (refused === 0 ? "." : `, ${refused} refused by the tool's schema before the server saw them, as documented.`)
  );
}

function toolsCell({ served, listed }: Trial): string {
  return `${served} / ${listed}`;
}

function callsCell({ calls }: Trial): string {
  if (calls.length === 0) return "–";
  return `${calls.filter(({ verdict }) => verdict !== "different").length} / ${calls.length}`;
}

function quoted(answer: unknown): string {
  return (JSON.stringify(answer) ?? "").slice(0, QUOTED_CHARACTERS);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
