import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { readManifest } from "./build.js";
import { runTool } from "./run-tool.js";

/** What of the manifest a release needs to run. */
const KEPT_IN_MANIFEST = ["name", "version", "license", "type", "bin", "exports", "engines", "dependencies"];

/**
 * Packs this package's build as `npm pack` does, without what does not run: pages, examples, types and source maps. The same build
 * gives the same bytes.
 *
 * @param folder where the tarball is put
 * @returns the tarball's path
 */
export async function packRelease(machine: Machine, folder: string): Promise<string> {
  mkdirSync(join(PACKAGE_ROOT, ".toolgate"), { recursive: true });
  const work = mkdtempSync(join(PACKAGE_ROOT, ".toolgate", "pack-"));
  try {
    const whole = await pack(machine, PACKAGE_ROOT, work);
    await runTool(machine, "tar", ["-xzf", whole, "-C", work]);
    const root = join(work, "package");
    prune(root, "");
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, unknown>; // npm's copy of our own
    const kept = Object.entries(manifest).filter(([key]) => KEPT_IN_MANIFEST.includes(key));
    writeFileSync(join(root, "package.json"), `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
    mkdirSync(folder, { recursive: true });
    return await pack(machine, root, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function pack(machine: Machine, root: string, destination: string): Promise<string> {
  await runTool(machine, "npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", destination, root]);
  return join(destination, `toolgate-${readManifest(root).version}.tgz`);
}

/** Removes what no program reads. */
function prune(root: string, below: string): void {
  for (const entry of readdirSync(join(root, below), { withFileTypes: true })) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (!runs(path, entry.isDirectory())) rmSync(join(root, path), { recursive: true });
    else if (entry.isDirectory()) prune(root, path);
  }
}

function runs(path: string, isFolder: boolean): boolean {
  if (path === "package.json" || path === "LICENSE" || path === "proto" || path.startsWith("proto/")) return true;
  return path === "dist" || (path.startsWith("dist/") && (isFolder || /\.(js|lua|json)$/.test(path)));
}
