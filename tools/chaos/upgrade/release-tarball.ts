import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../../src/local-cluster/machine.js";
import { PACKAGE_ROOT } from "../../../src/local-cluster/package-root.js";
import { readPackageManifest, writeManifest } from "../../package/package-manifest.js";
import { packStaged, stagePackages } from "../../package/packages.js";

/** What of the manifest a release needs to run. */
const KEPT_IN_MANIFEST = ["name", "version", "license", "type", "bin", "exports", "engines", "dependencies"];

/** The tarballs of a release: the server's package, and the SDK's, which it imports. */
export interface ReleaseTarballs {
  readonly server: string;
  readonly sdk: string;
}

/**
 * Packs this project's build as `npm run package` does, without what does not run: pages, examples and types. The same build gives the
 * same bytes.
 *
 * @param folder where the tarballs are put
 */
export async function packRelease(machine: Machine, folder: string): Promise<ReleaseTarballs> {
  mkdirSync(join(PACKAGE_ROOT, ".toolgate"), { recursive: true });
  const work = mkdtempSync(join(PACKAGE_ROOT, ".toolgate", "pack-"));
  try {
    const staged = await stagePackages(machine, PACKAGE_ROOT, work);
    for (const root of [staged.server, staged.sdk]) {
      prune(root, "");
      const manifest = readPackageManifest(root);
      const left = Object.keys(manifest).filter((key) => !KEPT_IN_MANIFEST.includes(key));
      writeManifest(root, { ...manifest, ...Object.fromEntries(left.map((key) => [key, undefined])) });
    }
    return {
      server: await packStaged(machine, staged.server, folder),
      sdk: await packStaged(machine, staged.sdk, folder),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
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
  return path === "dist" || (path.startsWith("dist/") && (isFolder || /\.(m?js|lua|json)$|\/LICENSE$/.test(path)));
}
