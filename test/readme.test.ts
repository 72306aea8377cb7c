import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { renderConfigTable } from "../src/config/config-table.js";
import { renderErrorTable } from "../src/errors/error-table.js";

/** The text with what stands between two markers replaced by a table. */
function withTable(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`];
  const [before, rest] = split(text, begin);
  const [, after] = split(rest, end);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

function split(text: string, marker: string): [string, string] {
  const at = text.indexOf(marker);
  if (at < 0) throw new Error(`README.md lacks the marker ${marker}`);
  return [text.slice(0, at), text.slice(at + marker.length)];
}

// `npm run docs:tables` writes what this test expects.
test("the README's tables of errors and settings are the code's", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const expected = withTable(withTable(readme, "errors", renderErrorTable()), "config", renderConfigTable());
  await expect(expected).toMatchFileSnapshot("../README.md");
});
