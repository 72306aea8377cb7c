import type { Exemplar, Histogram } from "./histogram.js";
import type { MetricFamily, Point } from "./metrics-registry.js";

/** A text format of metrics. */
export interface ExpositionFormat {
  readonly contentType: string;
  /** `openmetrics` names counters without `_total`, has exemplars, and says where it ends. */
  readonly kind: "openmetrics" | "prometheus";
}

const OPENMETRICS: ExpositionFormat = {
  kind: "openmetrics",
  contentType: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};
const PROMETHEUS: ExpositionFormat = { kind: "prometheus", contentType: "text/plain; version=0.0.4; charset=utf-8" };

/**
 * The format that a scraper asks for: OpenMetrics where it names it, with a weight over 0, else Prometheus's own, which all know.
 *
 * @param accept the header of that name
 */
export function formatFor(accept: string | undefined): ExpositionFormat {
  const asks = (accept ?? "").split(",").some((range) => {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    if (type !== "application/openmetrics-text") return false;
    return !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
  return asks ? OPENMETRICS : PROMETHEUS;
}

/**
 * Metrics as text: OpenMetrics 1.0 (https://prometheus.io/docs/specs/om/open_metrics_spec/) or Prometheus 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
export function writeExposition(families: readonly MetricFamily[], { kind }: ExpositionFormat): string {
  const isOpen = kind === "openmetrics";
  const lines: string[] = [];
  for (const { name, declaration, points } of families) {
    if (points.length === 0) continue;
    const family = isOpen ? name.replace(/_total$/, "") : name;
    const unit = /_(seconds|bytes)(?:_total)?$/.exec(name)?.[1];
    lines.push(`# HELP ${family} ${escaped(declaration.help)}`, `# TYPE ${family} ${declaration.kind}`);
    if (isOpen && unit !== undefined) lines.push(`# UNIT ${family} ${unit}`);
    for (const point of points) writePoint(lines, name, declaration.labels, point, isOpen);
  }
  if (isOpen) lines.push("# EOF");
  return `${lines.join("\n")}\n`;
}

function writePoint(lines: string[], name: string, names: readonly string[], point: Point, isOpen: boolean): void {
  const labels = names.map((label, place) => `${label}="${escaped(point.labels[place] ?? "")}"`).join(",");
  if ("histogram" in point) writeHistogram(lines, name, labels, point.histogram, isOpen);
  else lines.push(`${name}${labels === "" ? "" : `{${labels}}`} ${numberOf(point.value)}`);
}

function writeHistogram(lines: string[], name: string, labels: string, histogram: Histogram, isOpen: boolean): void {
  const { bounds, counts, sum } = histogram;
  const begin = `${name}_bucket{${labels === "" ? "" : `${labels},`}le="`;
  let count = 0;
  for (let place = 0; place <= bounds.length; place++) {
    count += counts[place] ?? 0;
    const bound = place === bounds.length ? "+Inf" : boundOf(bounds[place] as number); // before the end
    const exemplar = isOpen ? histogram.exemplarAt(place) : undefined;
    lines.push(`${begin}${bound}"} ${count}${exemplar === undefined ? "" : exemplarOf(exemplar)}`);
  }
  const own = labels === "" ? "" : `{${labels}}`;
  lines.push(`${name}_sum${own} ${numberOf(sum)}`, `${name}_count${own} ${count}`);
}

const exemplarOf = ({ traceId, value, atMs }: Exemplar): string =>
  ` # {trace_id="${traceId}"} ${numberOf(value)} ${(atMs / 1_000).toFixed(3)}`;

/** Bounds are the same text in both formats, so that series go on when a scraper changes over: always with a point. */
const boundOf = (bound: number): string => (Number.isInteger(bound) ? `${bound}.0` : String(bound));

function numberOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}

function escaped(text: string): string {
  return /[\\"\n]/.test(text)
    ? text.replace(/[\\"\n]/g, (special) => (special === "\n" ? "\\n" : `\\${special}`))
    : text;
}
