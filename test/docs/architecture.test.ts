import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../src/local-cluster/package-root.js";

const PAGE = readFileSync(join(PACKAGE_ROOT, "docs", "architecture.md"), "utf8");

/** What the page names in the tree: `src/node.ts`, `src/store/calls/`. */
const NAMED = [...PAGE.matchAll(/`((?:src|cmd|tools|test|proto)\/[^`]*)`/g)].map(([, path = ""]) => path);

/** The folders of a folder that hold files, from the package's own; git leaves empty ones behind. */
function foldersOf(folder: string): string[] {
  const files = readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(join(PACKAGE_ROOT, folder), join(entry.parentPath, entry.name)).split(sep));
  return [...new Set(files.filter((path) => path.length > 1).map(([name]) => `${folder}/${name}/`))];
}

test("the page names every room", () => {
  const rooms = [...foldersOf("src"), ...foldersOf("cmd"), ...foldersOf("tools"), ...foldersOf("src/store")];
  expect(rooms.filter((room) => !NAMED.some((named) => named.startsWith(room)))).toEqual([]);
});

test("what the page names is there", () => {
  expect(NAMED.filter((named) => !existsSync(join(PACKAGE_ROOT, named)))).toEqual([]);
});

test("tests mirror the source", () => {
  const OWN = ["cluster", "clients", "deploy", "docs", "examples", "fixtures", "support", "tools", "cmd"];
  const folders = foldersOf("test").map((folder) => folder.split("/")[1] ?? "");
  expect(folders.filter((name) => !OWN.includes(name) && !existsSync(join(PACKAGE_ROOT, "src", name)))).toEqual([]);
});
