import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { importsOf } from "./imports.js";

/** Modules that need no others of their folder, and the packages that they need. */
export interface ModuleClosure {
  /** Their JavaScript files, from the folder: `sdk/connect.js`. A module's declarations belong to it. */
  readonly modules: ReadonlySet<string>;
  /** The packages that they import, Node's own modules left out. */
  readonly packages: ReadonlySet<string>;
}

/** What a built module consists of: its JavaScript, and its declarations. */
export function filesOf(module: string): readonly string[] {
  return [module, module.replace(/\.js$/, ".d.ts")];
}

/**
 * Finds all that a module reaches by imports, its own and those of its declarations.
 *
 * @param folder the build
 * @param entry the module, from that folder
 */
export function closureOf(folder: string, entry: string): ModuleClosure {
  const modules = new Set([entry]);
  const packages = new Set<string>();
  for (const module of modules) {
    for (const file of filesOf(module)) {
      for (const specifier of importsOf(readFileSync(join(folder, file), "utf8"))) {
        if (specifier.startsWith(".")) modules.add(resolveFrom(file, specifier));
        else if (!specifier.startsWith("node:")) packages.add(packageOf(specifier));
      }
    }
  }
  const missing = [...modules].filter((module) => !existsSync(join(folder, module)));
  if (missing.length > 0) throw new Error(`${entry} reaches modules that the build lacks: ${missing.join(", ")}`);
  return { modules, packages };
}

/** The path of what a file imports by a relative specifier, from the folder that the file's own path is from. */
export function resolveFrom(file: string, specifier: string): string {
  return posix.join(posix.dirname(file), specifier);
}

/** `@grpc/grpc-js` of `@grpc/grpc-js/build/src/call.js`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}
