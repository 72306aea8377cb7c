import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

/** The README and the pages of `docs/`, by their paths. */
const pages = new Map(
  ["README.md", "CONTRIBUTING.md", ...readdirSync(join(PACKAGE_ROOT, "docs")).map((name) => `docs/${name}`)].map(
    (path) => [path, readFileSync(join(PACKAGE_ROOT, path), "utf8")] as const,
  ),
);
const LINK = /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g;
const HEADING = /^#+ (.+)$/gm;

test("the README is short", () => {
  expect(Buffer.byteLength(pages.get("README.md") ?? "")).toBeLessThan(15_000);
});

test("every page is one click away from the README", () => {
  const linked = [...(pages.get("README.md") ?? "").matchAll(LINK)].map(([, path]) => path);
  expect([...pages.keys()].filter((path) => path !== "README.md" && !linked.includes(path))).toEqual([]);
});

test("a link to a section leads to one", () => {
  const missing: string[] = [];
  for (const [page, text] of pages) {
    for (const [, path = "", section] of text.matchAll(LINK)) {
      if (section === undefined) continue;
      const target = path === "" ? page : normalize(join(dirname(page), path));
      const sections = [...(pages.get(target) ?? "").matchAll(HEADING)].map(([, heading = ""]) => anchorOf(heading));
      if (!sections.includes(section)) missing.push(`${page}: ${path}#${section}`);
    }
  }
  expect(missing).toEqual([]);
});

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
