import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const SCRIPT = new URL("../../tools/lint-imports.mjs", import.meta.url).pathname;

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "toolgate-rooms-"));
});
afterEach(() => rmSync(root, { recursive: true }));

/** Checks a tree of these files. */
function check(files: Readonly<Record<string, string>>): { readonly status: number | null; readonly output: string } {
  for (const [file, source] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), source);
  }
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, root], { encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("imports of the own room, and of those below, pass", () => {
  const { status, output } = check({
    "src/node.ts": 'import { a } from "./front/grpc/a.js";\nexport const node = a;\n',
    "src/front/grpc/a.ts":
      'import { b } from "../b.js";\nimport type { C } from "../../store/c.js";\nexport const a: C = b;\n',
    "src/front/b.ts": "export const b = 1;\n",
    "src/store/c.ts": "export type C = number;\n",
    "src/hosting/d.ts": 'import { connect } from "../index.js";\nexport const d = connect;\n',
    "src/index.ts": "export const connect = 1;\n",
    "test/node.test.ts": 'import { node } from "../src/node.js";\nexport const tested = node;\n',
  });
  expect(output).not.toContain("noRestrictedImports");
  expect(status).toBe(0);
});

const UP = {
  "a value of a room above": ["src/json/a.ts", 'import { b } from "../redis/b.js";\nexport const a = b;\n'],
  "a type of a room above": ["src/json/a.ts", 'import type { B } from "../redis/b.js";\nexport type A = B;\n'],
  "a type among values": ["src/json/a.ts", 'import { type B } from "../redis/b.js";\nexport type A = B;\n'],
  "what it passes on": ["src/json/a.ts", 'export * from "../redis/b.js";\n'],
  "when it needs it": ["src/json/a.ts", 'export const a = () => import("../redis/b.js");\n'],
  "from a folder within the room": ["src/store/calls/a.ts", 'export type { B } from "../../gateway/b.js";\n'],
  "a room of the same level that stands above": ["src/providers/a.ts", 'export type { B } from "../gateway/b.js";\n'],
  "the root of composition": ["src/front/http/a.ts", 'export type { B } from "../../node.js";\n'],
  "the command line": ["src/testing/a.ts", 'export type { B } from "../../cmd/output/b.js";\n'],
  "the clients' library into a node": ["src/gateway/a.ts", 'export type { B } from "../sdk/b.js";\n'],
} as const;

test.each(Object.entries(UP))("an import is refused: %s", (_, [file, source]) => {
  const { status, output } = check({ [file]: source });
  expect(output).toContain("noRestrictedImports");
  expect(status).toBe(1);
});

test("a folder that is in no room is refused", () => {
  const { status, output } = check({ "src/helpers/a.ts": "export const a = 1;\n" });
  expect(output).toContain("src/helpers");
  expect(status).toBe(1);
});
