import { painter } from "../../../cmd/output/paint.js";
import { table } from "../../../cmd/output/table.js";
import type { MachineFacts } from "../../bench/machine-facts.js";
import type { Figure } from "./figure.js";

/** What the figures were measured on, and how. */
export interface FiguresFacts {
  readonly machine: MachineFacts;
  readonly seed: string;
  readonly quick: boolean;
  readonly tookSeconds: number;
}

/** Whether no target was missed. */
export function allMet(figures: readonly Figure[]): boolean {
  return figures.every(({ met }) => met !== false);
}

/** The figures for people. */
export function figuresText(figures: readonly Figure[], facts: FiguresFacts, width: number | undefined): string {
  const rows = figures.map(({ what, target, measured, met, counted }) => [what, target, measured, word(met), counted]);
  const columns = [
    { header: "WHAT", flexible: true },
    { header: "TARGET", flexible: true },
    { header: "MEASURED" },
    { header: "MET" },
    { header: "COUNTED", flexible: true },
  ];
  const missed = figures.filter(({ met }) => met === false);
  return [
    table(columns, rows, width, painter(false)),
    ...missed.flatMap(({ what, against }) => [`Missed: ${what}`, ...against.map((reason) => `  ${reason}`)]),
    missed.length === 0 ? "Every target was met." : `${missed.length} targets were missed.`,
    `${machineText(facts)}; seed ${facts.seed}; ${facts.tookSeconds} s${facts.quick ? "; --quick: too few to prove anything" : ""}`,
    "",
  ].join("\n");
}

/** The figures as a table for docs/proof.md. */
export function figuresMarkdown(figures: readonly Figure[], facts: FiguresFacts): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  return [
    `Measured with \`npm run chaos -- --figures${facts.quick ? " --quick" : ""}\` on ${machineText(facts)}, in ${facts.tookSeconds} s.`,
    "",
    "| What | Target | Measured | Met | Counted |",
    "|---|---|---|---|---|",
    ...figures.map(
      ({ what, target, measured, met, counted }) =>
        `| ${[what, target, measured, word(met), counted].map(cell).join(" | ")} |`,
    ),
    "",
  ].join("\n");
}

/** The figures for programs. */
export function figuresJson(figures: readonly Figure[], facts: FiguresFacts): string {
  return JSON.stringify({ ...facts, met: allMet(figures), figures });
}

function machineText({ machine: { cores, cpu, memoryGiB, system, node, redis } }: FiguresFacts): string {
  return `${cores} × ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}, ${redis}`;
}

function word(met: boolean | undefined): string {
  return met === undefined ? "–" : met ? "yes" : "NO";
}
