import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { build, stop } from "esbuild";
import { importsOf } from "./imports.js";

/** Where the SDK's package has typebox, from its `dist`. */
export const TYPEBOX = "typebox/index.mjs";

/**
 * Puts typebox into the SDK's package as one module with its declarations. As a dependency it is 1,400 files, of which an import
 * reads 300: 160 ms of CPU where one file takes 10, and a third of the disk that the SDK takes.
 *
 * @param root the project
 * @param dist the `dist` of the SDK's package
 */
export async function bundleTypebox(root: string, dist: string): Promise<void> {
  const source = join(root, "node_modules", "typebox");
  const target = join(dist, dirname(TYPEBOX));
  await build({
    entryPoints: [join(source, "build", "index.mjs")],
    outfile: join(dist, TYPEBOX),
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "node20",
    // Nobody reads it there; names stay, for stack traces.
    minifyWhitespace: true,
    logLevel: "error",
  });
  await stop(); // its process would outlive the work
  const declarations = new Set(["index.d.mts"]);
  for (const file of declarations) {
    for (const specifier of importsOf(readFileSync(join(source, "build", file), "utf8"))) {
      declarations.add(posix.join(posix.dirname(file), specifier).replace(/\.mjs$/, ".d.mts"));
    }
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(source, "build", file), join(target, file));
  }
  cpSync(join(source, "license"), join(target, "LICENSE"));
}
