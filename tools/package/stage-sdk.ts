import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { BUILT_SDK, SDK_ENTRY } from "./built-sdk.js";
import { withImports } from "./imports.js";
import { filesOf, type ModuleClosure } from "./module-closure.js";
import { type PackageManifest, writeManifest } from "./package-manifest.js";
import { bundleTypebox, TYPEBOX } from "./typebox-bundle.js";

/** The SDK's package; the server's imports by `internal` what both need, so that a process has one copy of each class. */
export const SDK = "toolgate-sdk";

/**
 * Writes what the package of the SDK consists of: the modules that its entry reaches, their declarations, and typebox in one file.
 *
 * @param root the project, built
 * @param folder where the package's files are put
 */
export async function stageSdk(
  root: string,
  folder: string,
  closure: ModuleClosure,
  project: PackageManifest,
): Promise<void> {
  for (const file of [...closure.modules].flatMap(filesOf)) {
    const target = join(folder, "dist", file);
    mkdirSync(dirname(target), { recursive: true });
    const typebox = posix.relative(posix.dirname(file), TYPEBOX);
    const text = readFileSync(join(root, BUILT_SDK, file), "utf8");
    writeFileSync(
      target,
      withImports(text, (specifier) =>
        specifier !== "typebox" ? specifier : typebox.startsWith(".") ? typebox : `./${typebox}`,
      ),
    );
  }
  await bundleTypebox(root, join(folder, "dist"));
  cpSync(join(root, "packages", "sdk", "README.md"), join(folder, "README.md"));
  cpSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  writeManifest(folder, {
    name: SDK,
    version: project.version,
    description:
      "What agents and tool providers need for the Toolgate gateway: discover and call tools, serve toolsets.",
    keywords: ["agent", "grpc", "sdk", "toolgate", "tools"],
    license: project.license,
    type: "module",
    sideEffects: false,
    exports: {
      ".": { types: `./dist/${SDK_ENTRY.replace(/\.js$/, ".d.ts")}`, default: `./dist/${SDK_ENTRY}` },
      "./internal/*": "./dist/*",
      "./package.json": "./package.json",
    },
    engines: project.engines,
    ...typescriptPeer(project),
    dependencies: Object.fromEntries(
      Object.entries(project.dependencies).filter(([name]) => closure.packages.has(name) && name !== "typebox"),
    ),
  });
}

/** Types need a compiler that knows their forms. What else the project may use is the server's. */
function typescriptPeer({ peerDependencies, peerDependenciesMeta }: PackageManifest): Partial<PackageManifest> {
  const typescriptOf = (field: unknown) => ({ typescript: (field as Record<string, unknown>).typescript }); // npm's own form
  return {
    peerDependencies: typescriptOf(peerDependencies),
    peerDependenciesMeta: typescriptOf(peerDependenciesMeta),
  };
}
