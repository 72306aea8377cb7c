import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { renderConfigTable } from "./config-table.js";
import { renderErrorTable } from "./error-table.js";
import { renderMetricsTable } from "./metrics-table.js";

// `npm run docs:tables` writes what this test expects.
test.each([
  ["docs/settings.md", "config", renderConfigTable],
  ["docs/errors.md", "errors", renderErrorTable],
  ["docs/metrics.md", "metrics", renderMetricsTable],
])("%s has the code's table of %s", async (page, name, render) => {
  const path = fileURLToPath(new URL(`../../${page}`, import.meta.url));
  const expected = withTable(readFileSync(path, "utf8"), name, render());
  await expect(expected).toMatchFileSnapshot(path);
});

/** The text with what stands between two markers replaced by a table. */
function withTable(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest] = split(text, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`the page lacks the marker ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}
