import { METRICS } from "../../src/observe/metrics/declarations.js";

/** The metrics of a node as a Markdown table, for docs/metrics.md. */
export function renderMetricsTable(): string {
  return [
    "| Metric | Kind | Labels | Meaning |",
    "|---|---|---|---|",
    ...Object.entries(METRICS).map(
      ([name, { kind, labels, help }]) =>
        `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`,
    ),
  ].join("\n");
}
