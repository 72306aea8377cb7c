import { type Figure, isSure, summarise, verdict } from "./figures.js";
import type { MachineFacts } from "./machine-facts.js";
import { plain, withUnit } from "./report.js";

const VERDICTS = { aim: "yes, the aim too", met: "yes", missed: "**no**" } as const;

/** The figures as a section of docs/benchmarks.md, between its markers: those with a target first, and what stands for itself. */
export function markdownSection(figures: readonly Figure[], machine: MachineFacts, repetitions: number): string {
  const withTargets = figures.filter((figure) => verdict(figure) !== undefined);
  const others = figures.filter((figure) => verdict(figure) === undefined);
  return [
    "<!-- bench:begin -->",
    "",
    `\`npm run bench\` on ${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}, ${machine.redis}; all`,
    `processes on this machine. Medians of ${repetitions} repetitions; \`×\` is a ratio to a baseline in the same run.`,
    "",
    ...(withTargets.length === 0 ? [] : targetTable(withTargets)),
    ...(others.length === 0 ? [] : otherTable(others)),
    "<!-- bench:end -->",
  ].join("\n");
}

function targetTable(figures: readonly Figure[]): string[] {
  return [
    "| Workload | At least | Aim | Measured | Spread | Met |",
    "|---|---|---|---|---|---|",
    ...figures.map((figure) => row([figure.what, ...bounds(figure), ...measured(figure), met(figure)])),
    "",
  ];
}

/** Folded up, since it is long; GitHub and npm show it on a click. */
function otherTable(figures: readonly Figure[]): string[] {
  return [
    "<details>",
    "<summary>What else was measured</summary>",
    "",
    "| Workload | Measured | Spread |",
    "|---|---|---|",
    ...figures.map((figure) => row([figure.what, ...measured(figure)])),
    "",
    "</details>",
    "",
  ];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function bounds({ target, unit }: Figure): [string, string] {
  if (target === undefined) return ["", ""];
  const sign = target.better === "higher" ? "≥" : "≤";
  return [`${sign} ${withUnit(target.least, unit)}`, target.aim === undefined ? "" : plain(target.aim)];
}

function measured({ values, unit }: Figure): [string, string] {
  const { median, min, max } = summarise(values);
  return [withUnit(median, unit), values.length > 1 ? `${plain(min)} to ${plain(max)}` : ""];
}

/** A verdict, with a mark where not every repetition would have been judged alike. */
function met(figure: Figure): string {
  const found = verdict(figure);
  return found === undefined ? "" : `${VERDICTS[found]}${isSure(figure) ? "" : " (?)"}`;
}
