import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A package.json; the fields that are read here, and any others. */
export interface PackageManifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly [field: string]: unknown;
}

/** Reads the package.json of a folder. */
export function readPackageManifest(folder: string): PackageManifest {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as PackageManifest; // npm's own form
  return { ...manifest, dependencies: manifest.dependencies ?? {} };
}

/** Writes the package.json of a folder. */
export function writeManifest(folder: string, manifest: PackageManifest): void {
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}
