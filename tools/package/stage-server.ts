import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { BUILT_SDK, SDK_ENTRY } from "./built-sdk.js";
import { withImports } from "./imports.js";
import { filesOf, type ModuleClosure, resolveFrom } from "./module-closure.js";
import { type PackageManifest, writeManifest } from "./package-manifest.js";
import { SDK } from "./stage-sdk.js";

/** What package.json says for work on the project alone. */
const DEVELOPMENT_FIELDS = new Set(["private", "files", "scripts", "devDependencies", "overrides", "workspaces"]);

/**
 * Writes what the server's package consists of. The SDK's modules are not in it: it imports them from the SDK's package.
 *
 * @param root the project, built
 * @param files what of the project is published, from its root
 * @param folder where the package's files are put
 */
export function stageServer(
  root: string,
  files: readonly string[],
  folder: string,
  closure: ModuleClosure,
  project: PackageManifest,
): void {
  const moved = new Set([...closure.modules].flatMap(filesOf).map((file) => `${BUILT_SDK}/${file}`));
  for (const file of files) {
    if (moved.has(file) || file.endsWith(".map")) continue;
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    cpSync(join(root, file), target);
    if (/^dist\/.*\.(js|d\.ts)$/.test(file))
      writeFileSync(target, importingSdk(file, readFileSync(target, "utf8"), moved));
  }
  for (const file of filesOf(SDK_ENTRY)) writeFileSync(join(folder, BUILT_SDK, file), `export * from "${SDK}";\n`);
  const published = Object.entries(project).filter(([field]) => !DEVELOPMENT_FIELDS.has(field));
  const dependencies = Object.entries({ ...project.dependencies, [SDK]: project.version });
  writeManifest(folder, {
    ...Object.fromEntries(published),
    dependencies: Object.fromEntries(dependencies.sort()),
  } as PackageManifest);
}

/** A module of the build, with the SDK's modules imported from its package. */
function importingSdk(file: string, text: string, moved: ReadonlySet<string>): string {
  return withImports(text, (specifier) => {
    if (!specifier.startsWith(".")) return specifier;
    const path = resolveFrom(file, specifier);
    return moved.has(path) ? `${SDK}/internal/${posix.relative(BUILT_SDK, path)}` : specifier;
  });
}
