import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

/** One expression that people rely on, and where it stands. */
export interface Expression {
  readonly where: string;
  readonly expr: string;
}

/** An alert of the rules. */
export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly summary: string; readonly runbook: string };
}

/** The alerts of `deploy/prometheus/alerts.yml`. */
export function alerts(): readonly Alert[] {
  const { groups } = parse(readFileSync(join(PACKAGE_ROOT, "deploy", "prometheus", "alerts.yml"), "utf8")) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[]; // Prometheus's form, which promtool checks
  };
  return groups.flatMap(({ rules }) => rules);
}

/** The expressions of the dashboard, with its variables at their defaults. */
export function dashboardExpressions(): readonly Expression[] {
  const { panels } = JSON.parse(readFileSync(join(PACKAGE_ROOT, "deploy", "grafana", "toolgate.json"), "utf8")) as {
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[]; // Grafana's form
  };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: `panel "${title}"`, expr: withDefaults(expr) })),
  );
}

const withDefaults = (expr: string): string =>
  expr.replaceAll("$__rate_interval", "1m").replaceAll("$job", ".*").replaceAll("$node", ".*");

/** What an alert compares with its bound: that has a value also while all is well. */
export const comparedBy = ({ expr }: Alert): string => expr.replace(/ (==|[<>]) [\d.]+$/, "");
