import { painter } from "../../../cmd/output/paint.js";
import { table } from "../../../cmd/output/table.js";
import type { MachineFacts } from "../../bench/machine-facts.js";
import type { Evidence, Violation } from "../check/evidence.js";
import { WRONG_RESULT } from "../check/results.js";
import { summarise, violationText } from "../report.js";
import type { Leg } from "./upgrade-plan.js";

/** What was done on one way, and what it left behind. */
export interface Way {
  readonly legs: readonly Leg[];
  readonly evidence: Evidence;
  readonly violations: readonly Violation[];
  /** What agents' requests failed with. */
  readonly failed: readonly string[];
}

/** On what the run was, and how. */
export interface UpgradeFacts {
  readonly machine: MachineFacts;
  readonly seed: string;
  readonly quick: boolean;
  readonly tookSeconds: number;
}

/** How many violations, and failed requests, of a way are shown whole. */
const SHOWN = 8;

/** Whether every way kept every promise, and no request failed. */
export function allKept(ways: readonly Way[]): boolean {
  return ways.every(({ violations, failed }) => violations.length + failed.length === 0);
}

/** One way's outcome in a line, for people. */
export function wayText(way: Way): string {
  const { calls, lost, doubled, hung, failed, wrong, other } = counts(way);
  const numbers = Object.entries({ lost, doubled, hung, failed, wrong, other }).map(
    ([word, count]) => `${count} ${word}`,
  );
  return `${buildsOf(way.legs)}, by ${endingsOf(way.legs)}: ${calls} calls, ${numbers.join(", ")}`;
}

/** The outcome for people. */
export function upgradeText(ways: readonly Way[], facts: UpgradeFacts, width: number | undefined): string {
  const columns = HEADERS.map((header, index) => (index < 2 ? { header } : { header, align: "right" as const }));
  return [
    table(columns, ways.map(row), width, painter(false)),
    ...ways.flatMap(({ legs, violations, failed }) => [
      ...(violations.length + failed.length === 0 ? [] : [`${buildsOf(legs)}, by ${endingsOf(legs)}:`]),
      ...violations.slice(0, SHOWN).map(violationText),
      ...failed.slice(0, SHOWN).map((text) => `FAILED: ${text}`),
    ]),
    allKept(ways) ? "Clean: every promise was kept." : "Promises were broken.",
    `${machineText(facts)}; seed ${facts.seed}; ${facts.tookSeconds} s${facts.quick ? "; --quick" : ""}`,
    "",
  ].join("\n");
}

/** The outcome as a table for docs/upgrading.md. */
export function upgradeMarkdown(ways: readonly Way[], facts: UpgradeFacts): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `Run with \`npm run chaos -- --upgrade${facts.quick ? " --quick" : ""}\` on ${machineText(facts)}, in ${facts.tookSeconds} s.`,
    "",
    line(HEADERS),
    line(HEADERS.map((_, index) => (index < 2 ? "---" : "--:"))),
    ...ways.map((way) => line(row(way))),
    "",
  ].join("\n");
}

/** The outcome for programs. */
export function upgradeJson(ways: readonly Way[], facts: UpgradeFacts): string {
  return JSON.stringify({
    ...facts,
    clean: allKept(ways),
    ways: ways.map((way) => ({
      legs: way.legs.map(({ from, to, ending }) => ({ from: from.version, to: to.version, ending })),
      ...counts(way),
      failedWith: way.failed,
      violations: way.violations,
    })),
  });
}

const HEADERS = [
  "Nodes",
  "Ended by",
  "Requests",
  "Calls",
  "Runs",
  "Lost",
  "Doubled",
  "Hung",
  "Failed",
  "Wrong result",
  "Other",
] as const;

function row(way: Way): string[] {
  const { requests, calls, executions, lost, doubled, hung, failed, wrong, other } = counts(way);
  return [
    buildsOf(way.legs),
    endingsOf(way.legs),
    ...[requests, calls, executions, lost, doubled, hung, failed, wrong, other].map(String),
  ];
}

function buildsOf(legs: readonly Leg[]): string {
  return [...legs.slice(0, 1).map(({ from }) => from.name), ...legs.map(({ to }) => to.name)].join(" → ");
}

function endingsOf(legs: readonly Leg[]): string {
  return legs.map(({ ending }) => ending).join(", then ");
}

function counts({ evidence, violations, failed }: Way) {
  const { requests, calls, executions, lost, doubled, stuck, other } = summarise({ evidence, violations });
  const wrong = violations.filter(({ rule }) => rule === WRONG_RESULT).length;
  return {
    requests,
    calls,
    executions,
    lost,
    doubled,
    hung: stuck,
    failed: failed.length,
    wrong,
    other: other - wrong,
  };
}

function machineText({ machine: { cores, cpu, memoryGiB, system, node, redis } }: UpgradeFacts): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}, ${redis}`;
}
