import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's own folder: the nearest one above this file with a `package.json`, be this file source or built. */
export const PACKAGE_ROOT = nearestPackage(dirname(fileURLToPath(import.meta.url)));

/**
 * The path of a built program, such as `cmd/toolgate.js`; also from the sources, whose children run from the build.
 *
 * @param root the folder that holds `dist`: another one where another build is to be tried
 */
export function builtProgram(path: string, root: string = PACKAGE_ROOT): string {
  return join(root, "dist", path);
}

function nearestPackage(folder: string): string {
  if (existsSync(join(folder, "package.json"))) return folder;
  const above = dirname(folder);
  if (above === folder) throw new Error("Toolgate's package.json is gone: install the package again.");
  return nearestPackage(above);
}
