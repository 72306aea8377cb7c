import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";
import { METRICS, type MetricDeclaration } from "../../src/observe/metrics/declarations.js";
import { alerts, comparedBy, dashboardExpressions, type Expression } from "../../tools/dashboards/expressions.js";

// `npm run dashboards` runs them all against a real Prometheus; here, that they name what there is.
const expressions: readonly Expression[] = [
  ...dashboardExpressions(),
  ...alerts().map(({ alert, expr }) => ({ where: `alert ${alert}`, expr })),
];

const DECLARED: Readonly<Record<string, MetricDeclaration>> = METRICS;
const SELECTOR = /\b((?:toolgate|process)_\w+)(?:\{([^}]*)\})?/g;
/** Labels that a scrape adds. */
const OF_SCRAPES = ["job", "instance", "le"];

/** The declaration of a series: its metric's own name, or a histogram's with what it is made of. */
function declarationOf(series: string): MetricDeclaration | undefined {
  const own = DECLARED[series];
  if (own !== undefined) return own.kind === "histogram" ? undefined : own;
  const family = DECLARED[series.replace(/_(bucket|sum|count)$/, "")];
  return family?.kind === "histogram" ? family : undefined;
}

test.each(expressions)("$where names declared metrics and their labels: $expr", ({ expr }) => {
  const selected = [...expr.matchAll(SELECTOR)];
  expect(selected.length).toBeGreaterThan(0);
  const known = new Set(OF_SCRAPES);
  for (const [, series = "", matchers = ""] of selected) {
    const declaration = declarationOf(series);
    expect(declaration, `${series} is declared`).toBeDefined();
    for (const label of declaration?.labels ?? []) known.add(label);
    for (const [, label = ""] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
      expect([...OF_SCRAPES, ...(declaration?.labels ?? [])], `${series} has the label`).toContain(label);
  }
  for (const [, labels = ""] of expr.matchAll(/\bby \(([^)]*)\)/g))
    for (const label of labels.split(/, ?/)) expect([...known]).toContain(label);
  expect(expr.split("(").length, "parentheses").toBe(expr.split(")").length);
});

test("every counter is read as a rate or an increase, and no gauge is", () => {
  for (const { where, expr } of expressions) {
    for (const [whole, of, series = ""] of expr.matchAll(
      /(\w+)\(((?:toolgate|process)_\w+)(?:\{[^}]*\})?(?:\[[^\]]+\])?/g,
    )) {
      const isRate = of === "rate" || of === "increase";
      expect(isRate, `${where}: ${whole}`).toBe(declarationOf(series)?.kind !== "gauge");
    }
  }
});

test("every alert has a runbook, and compares something with a bound", () => {
  const page = readFileSync(join(PACKAGE_ROOT, "docs", "operating.md"), "utf8");
  const headings = [...page.matchAll(/^### (\w+)$/gm)].map(([, heading]) => heading);
  for (const alert of alerts()) {
    expect(headings).toContain(alert.alert);
    expect(alert.annotations.runbook).toBe(`docs/operating.md#${alert.alert.toLowerCase()}`);
    expect(comparedBy(alert)).not.toBe(alert.expr);
  }
});
