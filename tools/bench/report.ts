import type { Painter } from "../../cmd/output/paint.js";
import { type Cell, table } from "../../cmd/output/table.js";
import { type Figure, isSure, summarise, type Unit, verdict } from "./figures.js";
import type { MachineFacts } from "./machine-facts.js";
import type { Detail } from "./workload.js";

/** What a run writes with --json, and reads with --compare. */
export interface RunReport {
  readonly version: 1;
  readonly at: string;
  readonly machine: MachineFacts;
  readonly repetitions: number;
  readonly figures: readonly (Figure & { readonly median: number; readonly min: number; readonly max: number })[];
  readonly details: readonly Detail[];
}

const VERDICT_CELLS = {
  aim: { text: "aim", style: "good" },
  met: { text: "met", style: "good" },
  missed: { text: "MISSED", style: "bad" },
} as const satisfies Record<string, Cell>;

/** The figures beside their targets (`?` where the repetitions do not agree) and, where there is one, the earlier run. */
export function figureTable(
  figures: readonly Figure[],
  before: RunReport | undefined,
  width: number | undefined,
  paint: Painter,
): string {
  const earlier = new Map(before?.figures.map((figure) => [figure.id, figure.median]));
  const columns = [
    { header: "FIGURE", flexible: true },
    { header: "AT LEAST", align: "right" },
    { header: "AIM", align: "right" },
    { header: "MEASURED", align: "right" },
    { header: "SPREAD", align: "right" },
    ...(before
      ? ([
          { header: "BEFORE", align: "right" },
          { header: "CHANGE", align: "right" },
        ] as const)
      : []),
    { header: "MET" },
  ] as const;
  const rows = figures.map((figure): Cell[] => {
    const { median, min, max } = summarise(figure.values);
    const { target, unit } = figure;
    const met = verdict(figure);
    const former = earlier.get(figure.id);
    return [
      figure.what,
      target === undefined ? "" : `${target.better === "higher" ? "≥" : "≤"} ${plain(target.least)}`,
      target?.aim === undefined ? "" : plain(target.aim),
      withUnit(median, unit),
      figure.values.length > 1 ? `${plain(min)}..${plain(max)}` : "",
      ...(before
        ? [former === undefined ? "" : withUnit(former, unit), former === undefined ? "" : change(median, former)]
        : []),
      met === undefined ? "" : isSure(figure) ? VERDICT_CELLS[met] : `${VERDICT_CELLS[met].text}?`,
    ];
  });
  return table(columns, rows, width, paint);
}

/** What is behind the ratios. */
export function detailTable(details: readonly Detail[], width: number | undefined, paint: Painter): string {
  const columns = [
    { header: "WORK", flexible: true },
    { header: "CONTENDER" },
    { header: "IN FLIGHT", align: "right" },
    { header: "BYTES", align: "right" },
    { header: "PER SECOND", align: "right" },
    { header: "MEDIAN MS", align: "right" },
    { header: "P99 MS", align: "right" },
    { header: "COMMANDS", align: "right" },
    { header: "SCRIPTS", align: "right" },
    { header: "CPU µs PER CALL" },
  ] as const;
  const rows = details.map(({ work, contender, inFlight, payloadBytes, measurements }) => {
    const median = (pick: (one: Detail["measurements"][number]) => number): number =>
      summarise(measurements.map(pick)).median;
    const parts = Object.keys(measurements[0]?.cpuPerCall ?? {});
    const cpu = parts.map((part) => `${part} ${plain(median((one) => one.cpuPerCall[part] ?? Number.NaN))}`);
    return [
      work,
      contender,
      String(inFlight),
      String(payloadBytes),
      Math.round(median((one) => one.perSecond)).toLocaleString("en"),
      median((one) => one.medianMs).toFixed(2),
      median((one) => one.p99Ms).toFixed(2),
      plain(median((one) => one.redisCommandsPerCall)),
      plain(median((one) => one.redisScriptsPerCall)),
      `${plain(median((one) => one.cpuPerCallTotal))} = ${cpu.join(" + ")}`,
    ];
  });
  return table(columns, rows, width, paint);
}

function change(now: number, before: number): string {
  const percent = 100 * (now / before - 1);
  return `${percent >= 0 ? "+" : ""}${percent.toFixed(0)} %`;
}

/** A value with its unit; a dash where there is none. */
export function withUnit(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return "–";
  return unit === "" ? plain(value) : `${plain(value)} ${unit}`;
}

/** Three significant digits, without an exponent. */
export function plain(value: number): string {
  if (Number.isNaN(value)) return "–";
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { maximumFractionDigits: digits });
}
