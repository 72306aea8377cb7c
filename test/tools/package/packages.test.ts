import { execFile } from "node:child_process";
import { existsSync, realpathSync } from "node:fs";
import { cp, readdir, readFile, stat } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { dirname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { VERSION } from "../../../src/version.js";
import { importsOf } from "../../../tools/package/imports.js";
import { readPackageManifest } from "../../../tools/package/package-manifest.js";
import { type ConsumerProject, consumerProject } from "../../support/packages.js";

/** What `npm run package` puts into the packages, and that it is whole. */

const run = promisify(execFile);
let project: ConsumerProject;
let server: string[] = [];
let sdk: string[] = [];

beforeAll(async () => {
  project = await consumerProject();
  [server, sdk] = [await filesBelow(project.packages.server), await filesBelow(project.packages.sdk)];
}, 120_000);
afterAll(() => project?.remove());

/** What sends spans and metrics: it imports what is installed where it is wanted. */
const SENDS = ["dist/src/observe/traces/export-spans.js", "dist/src/observe/metrics/export-metrics.js"];
const LINK = /\]\((?!https?:|#)([^)#\s]+)/g;

describe("the server's package", () => {
  test("has what its pages point to", async () => {
    const pages = server.filter((path) => path.endsWith(".md"));
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/sdk.md", "docs/cli.md"]));
    const missing: string[] = [];
    for (const page of pages) {
      const text = await readFile(join(project.packages.server, page), "utf8");
      for (const [, target = ""] of text.matchAll(LINK)) {
        const path = normalize(join(dirname(page), target));
        if (!server.some((one) => one === path || one.startsWith(`${path}/`))) missing.push(`${page}: ${target}`);
      }
    }
    expect(missing).toEqual([]);
  });

  test("has the examples' sources, and nothing that only this repository's work needs", () => {
    expect(server).toEqual(expect.arrayContaining(["examples/go/agent/main.go", "examples/python/serve.py"]));
    const foreign = /^(test|tools|cmd|src|\.ci)\/|dist\/tools\/|\.built-from$|_pb2|\.pb\.go$|__pycache__|\.map$/;
    expect([...server, ...sdk].filter((path) => foreign.test(path))).toEqual([]);
  });

  test("has the scripts that its modules read, beside them", async () => {
    const scripts = (await filesBelow(join(PACKAGE_ROOT, "src"))).filter((path) => path.endsWith(".lua"));
    expect(scripts).not.toEqual([]);
    expect(server.filter((path) => path.endsWith(".lua")).sort()).toEqual(
      scripts.map((path) => `dist/src/${path}`).sort(),
    );
  });

  test("has none of the SDK's modules but the one that exports them", () => {
    const twice = sdk.filter(
      (path) => server.includes(path.replace(/^dist\//, "dist/src/")) && path.startsWith("dist/"),
    );
    expect(twice).toEqual(["dist/index.d.ts", "dist/index.js"]);
  });

  test("runs, and exports the SDK's own classes", async () => {
    const program = join(project.packages.server, "dist", "cmd", "toolgate.js");
    expect((await run(process.execPath, [program, "--version"])).stdout).toBe(`${VERSION}\n`);
    const code = `
      const [server, sdk] = [await import("toolgate"), await import("toolgate-sdk")];
      const { testToolset } = await import("toolgate/testing");
      console.log(server.ToolgateError === sdk.ToolgateError, typeof testToolset, Object.keys(server).join() === Object.keys(sdk).join());`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { cwd: project.folder });
    expect(stdout).toBe("true function true\n");
  });
});

test("an error of one copy of the SDK is an instance of the other copy's class", async () => {
  const other = join(project.folder, "node_modules", "other", "node_modules", "toolgate-sdk");
  await cp(project.packages.sdk, other, { recursive: true });
  const code = `
    const [one, other] = [await import("toolgate-sdk"), await import(${JSON.stringify(pathToFileURL(join(other, "dist", "index.js")))})];
    const names = ["ToolgateError", "ToolCallError", "ToolFailure", "CallAborted"];
    const made = (copy, name) => Object.create(copy[name].prototype);
    console.log(names.map((name) => one[name] !== other[name] && made(one, name) instanceof other[name]).join());`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", code], { cwd: project.folder });
  expect(stdout).toBe("true,true,true,true\n");
});

describe("each package", () => {
  test("has all that its modules import, or asks for it", async () => {
    const missing: string[] = [];
    for (const [folder, files] of [
      [project.packages.server, server],
      [project.packages.sdk, sdk],
    ] as const) {
      const { dependencies, peerDependencies = {} } = readPackageManifest(folder);
      const asked = Object.keys(dependencies);
      const optional = Object.keys(peerDependencies as object).filter((name) => name !== "typescript"); // npm's own form
      for (const file of files.filter((path) => /^dist\/.*\.(m?js|d\.m?ts)$/.test(path))) {
        for (const specifier of importsOf(await readFile(join(folder, file), "utf8"))) {
          // Loaded only where it is wanted; what it lacks then it names.
          if (SENDS.includes(file) && optional.includes(specifier)) continue;
          if (!isThere(folder, file, specifier, asked)) missing.push(`${file}: ${specifier}`);
        }
      }
    }
    expect(missing).toEqual([]);
  });

  test("is installed by its version alone: the server's asks for the SDK's of the same version", () => {
    const manifests = [readPackageManifest(project.packages.server), readPackageManifest(project.packages.sdk)];
    expect(manifests.map(({ version }) => version)).toEqual([VERSION, VERSION]);
    expect(manifests[0]?.dependencies["toolgate-sdk"]).toBe(VERSION);
  });

  test("is made by npm run package alone: npm pack says so", async () => {
    const { code, stderr } = await run("npm", ["pack", "--dry-run"], { cwd: PACKAGE_ROOT }).catch((error) => error);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("npm run package makes both") });
    expect(readPackageManifest(PACKAGE_ROOT)).toMatchObject({ private: true });
  });
});

test("the SDK reads no file of its own at run time: bundles would not have it", async () => {
  expect(
    sdk.filter((path) => !/^dist\/.*(\.m?js|\.d\.m?ts|\/LICENSE)$|^(package\.json|README\.md|LICENSE)$/.test(path)),
  ).toEqual([]);
  const modules = sdk.filter((path) => path.endsWith("js"));
  const texts = await Promise.all(modules.map((path) => readFile(join(project.packages.sdk, path), "utf8")));
  const reading = (what: RegExp) => modules.filter((_path, index) => what.test(texts[index] ?? ""));
  expect(reading(/\bimport\.meta\b/)).toEqual([]);
  // The file of a key is its user's; where there is no file system, it is not looked for.
  expect(reading(/\bnode:fs\b/)).toEqual(["dist/config/key-file.js"]);
});

test("the SDK takes at most 12 MB with all that it needs", async () => {
  const folders = new Set([project.packages.sdk]);
  for (const folder of folders) {
    for (const name of Object.keys(readPackageManifest(folder).dependencies)) folders.add(installed(name, folder));
  }
  let bytes = 0;
  for (const folder of folders) {
    for (const file of await filesBelow(folder)) bytes += (await stat(join(folder, file))).size;
  }
  expect(bytes).toBeLessThanOrEqual(12_000_000);
});

/** The paths of a package's own files. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .filter((path) => !path.startsWith("node_modules/"));
}

function isThere(folder: string, file: string, specifier: string, asked: readonly string[]): boolean {
  if (specifier.startsWith("node:") || builtinModules.includes(specifier)) return true;
  const declared = /\.d\.m?ts$/.test(file);
  const exists = (path: string): boolean => existsSync(declared ? path.replace(/\.(m?)js$/, ".d.$1ts") : path);
  if (specifier.startsWith(".")) return exists(join(folder, dirname(file), specifier));
  const internal = /^toolgate-sdk\/internal\/(.+)$/.exec(specifier)?.[1];
  if (internal !== undefined) return exists(join(project.packages.sdk, "dist", internal));
  return asked.some((name) => specifier === name || specifier.startsWith(`${name}/`));
}

/** The folder of a package as another one finds it. */
function installed(name: string, from: string): string {
  const places = createRequire(join(from, "package.json")).resolve.paths(name) ?? [];
  const place = places.find((one) => existsSync(join(one, name, "package.json")));
  if (place === undefined) throw new Error(`${name} is not installed`);
  return realpathSync(join(place, name));
}
