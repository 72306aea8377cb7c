import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../src/local-cluster/package-root.js";

/** What `npm pack` puts into the package. */

let packed: string[] = [];

beforeAll(async () => {
  const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
  const { stdout } = await promisify(execFile)("npm", args, { cwd: PACKAGE_ROOT, maxBuffer: 16 * 1024 * 1024 });
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]; // npm's own form
  packed = files.map(({ path }) => path);
});

const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;

describe("the package", () => {
  test("has what its pages point to", async () => {
    const pages = packed.filter((path) => path.endsWith(".md"));
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/sdk.md", "docs/cli.md"]));
    const missing: string[] = [];
    for (const page of pages) {
      for (const [, target = ""] of (await readFile(join(PACKAGE_ROOT, page), "utf8")).matchAll(LINK)) {
        const path = normalize(join(dirname(page), target));
        if (!packed.some((one) => one === path || one.startsWith(`${path}/`))) missing.push(`${page}: ${target}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("has the examples' sources, and nothing that only this repository's work needs", () => {
    expect(packed).toEqual(expect.arrayContaining(["examples/go/agent/main.go", "examples/python/serve.py"]));
    const foreign = /^(test|tools|cmd|src|\.ci)\/|dist\/tools\/|\.built-from$|_pb2|\.pb\.go$|__pycache__/;
    expect(packed.filter((path) => foreign.test(path))).toEqual([]);
  });
});
