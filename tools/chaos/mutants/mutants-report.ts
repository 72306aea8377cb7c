import { painter } from "../../../cmd/output/paint.js";
import { table } from "../../../cmd/output/table.js";
import type { DrillRun } from "./run-mutants.js";

/** Whether every mutant was caught, and no drill finds anything without one. */
export function allCaught(runs: readonly DrillRun[]): boolean {
  return runs.every(({ mutant, violations }) => (mutant === undefined) === (violations.length === 0));
}

/** What caught each mutant, for people. */
export function mutantsText(runs: readonly DrillRun[], width: number | undefined): string {
  const columns = [
    { header: "MUTANT" },
    { header: "WHAT IT BREAKS", flexible: true },
    { header: "DRILL" },
    { header: "CAUGHT BY", flexible: true },
    { header: "AFTER", align: "right" as const },
  ];
  const rows = runs.flatMap(({ drill, mutant, violations, tookMs }) =>
    mutant === undefined
      ? []
      : [[mutant.name, mutant.breaks, drill, violations[0]?.rule ?? "NOTHING", seconds(tookMs)]],
  );
  const controls = runs.filter(({ mutant }) => mutant === undefined);
  const unclean = controls.filter(({ violations }) => violations.length > 0);
  const missed = runs.filter(({ mutant, violations }) => mutant !== undefined && violations.length === 0);
  return [
    table(columns, rows, width, painter(false)),
    ...unclean.flatMap(({ drill, violations }) => [
      `Without a mutant the drill ${drill} is not clean:`,
      ...violations
        .slice(0, 3)
        .flatMap(({ rule, message, evidence }) => [
          `  ${rule}: ${message}`,
          ...evidence.slice(0, 24).map((line) => `    ${line}`),
        ]),
    ]),
    unclean.length === 0
      ? `Without a mutant all ${controls.length} drills are clean.`
      : `${unclean.length} drills are not clean without a mutant.`,
    missed.length === 0
      ? `All ${rows.length} mutants were caught.`
      : `${missed.length} of ${rows.length} mutants were not caught.`,
    "",
  ].join("\n");
}

/** The same for programs. */
export function mutantsJson(runs: readonly DrillRun[]): string {
  return JSON.stringify({
    caught: allCaught(runs),
    runs: runs.map(({ drill, mutant, violations, tookMs }) => ({
      drill,
      mutant: mutant?.name ?? null,
      breaks: mutant?.breaks ?? null,
      rules: [...new Set(violations.map(({ rule }) => rule))],
      first: violations[0] ?? null,
      tookMs: Math.round(tookMs),
    })),
  });
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
